-- works with: 0016
-- Keys of the API, each with a role, and the log of what people changed.

create table elder_worker.api_keys (
    id             bigint generated always as identity primary key,
    name           text not null,
    role           text not null check (role in ('read', 'operate', 'admin', 'sync')),
    hash           bytea not null unique,      -- SHA-256 of the key, which is 256 random bits and shown once
    prefix         text not null,              -- its first characters, to recognise it by
    created_by     text not null,
    created_at     timestamptz not null default now(),
    expires_at     timestamptz,
    last_used_at   timestamptz,                -- to the minute, best effort
    rotated_at     timestamptz,
    previous_hash  bytea unique,               -- the key before the last rotation, which is taken until previous_until
    previous_until timestamptz,
    revoked_at     timestamptz
);
create unique index api_keys_name on elder_worker.api_keys (name) where revoked_at is null;

create table audit_log (
    id      bigint generated always as identity primary key,
    at      timestamptz not null default now(),
    actor   text not null,                     -- key:NAME, ELDER_API_KEY, local (no key on loopback), cli:USER
    role    text not null default '',
    address text not null default '',          -- the other end of the connection
    action  text not null,
    object  text not null,                     -- job 42, key 3, run 17, ...
    before  jsonb,                             -- secrets are marks
    after   jsonb
);
create index audit_log_object on audit_log (object, id);
create index audit_log_actor on audit_log (actor, id);
