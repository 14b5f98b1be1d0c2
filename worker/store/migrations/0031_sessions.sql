-- works with: 0016
-- Sessions of people whom an identity provider has signed in to the pages.

create table elder_worker.api_sessions (
    id         bigint generated always as identity primary key,
    hash       bytea not null unique,          -- SHA-256 of what the browser's cookie holds, which is 256 random bits
    sign_in    bytea not null unique,          -- SHA-256 of the sign-in's state: each makes one session, and a replayed one none
    issuer     text not null,
    subject    text not null,
    name       text not null,
    role       text not null check (role in ('read', 'operate', 'admin')),
    created_at timestamptz not null default now(),
    seen_at    timestamptz not null default now(),  -- to the minute
    ended_at   timestamptz
);
create index api_sessions_created on elder_worker.api_sessions (created_at);
