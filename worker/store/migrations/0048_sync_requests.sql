-- works with: 0016
-- Workers tell which connectors they have and when each syncs next, and a person may ask for a sync at once.

create table elder_worker.connector_workers (
    connector    text not null,
    worker       uuid not null,                     -- random per start of a worker
    name         text not null,
    next_sync_at timestamptz,                       -- null while it syncs
    syncing      boolean not null default false,
    seen_at      timestamptz not null default now(),
    primary key (connector, worker)
);

create table elder_worker.sync_requests (
    connector    text primary key,
    number       bigint not null default 1,         -- grows by one with each request
    requested_at timestamptz not null default now(),
    requested_by text not null,
    taken        bigint not null default 0,         -- the request that a worker has taken up
    worker       uuid,                              -- that worker
    taken_at     timestamptz,
    served       bigint not null default 0,         -- the request whose sync has ended
    served_at    timestamptz,
    sync_id      bigint references connector_history (id) on delete set null,
    error        text not null default ''           -- why there was no sync
);
