-- Which run created which entities: one row for each COPY of new rows, which costs nothing per entity. An entity belongs to the range that holds
-- its id and was written at its first_seen_at; ids of runs that write at the same time may lie in between.
create table elder_worker.created (
    run_id     bigint,                       -- null: a connector's sync
    first_id   bigint not null,
    last_id    bigint not null,
    entities   integer not null,
    created_at timestamptz not null default now()
);
create index created_time on elder_worker.created (created_at);
create index created_range on elder_worker.created (first_id);
create index created_run on elder_worker.created (run_id) where run_id is not null;

create index entity_changes_run on entity_changes (run_id) where run_id is not null;
