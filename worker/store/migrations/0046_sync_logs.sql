-- works with: 0016
-- What the process of a connector's sync has logged, as its worker tells it at the end of the sync; without lines there is no row.

create table elder_worker.sync_logs (
    run_id         bigint primary key references connector_history (id) on delete cascade,
    lines          jsonb not null,               -- [[time, level, logger, text], ...]: the first and the last ones
    left_out       bigint not null default 0,    -- lines between them that are not kept
    left_out_after integer not null default 0,   -- lines before those
    stored_at      timestamptz not null default now()
);
create index sync_logs_age on elder_worker.sync_logs (stored_at);
