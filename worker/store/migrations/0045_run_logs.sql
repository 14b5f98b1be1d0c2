-- works with: 0016
-- What the process of a run has logged, stored with the run's outcome. A run that has logged nothing has no row.

create table elder_worker.run_logs (
    run_id         bigint primary key references discovery_history (id) on delete cascade,
    lines          jsonb not null,               -- [[time, level, logger, text], ...]: the first and the last ones
    left_out       bigint not null default 0,    -- lines between them that are not kept
    left_out_after integer not null default 0,   -- lines before those
    stored_at      timestamptz not null default now()
);
create index run_logs_age on elder_worker.run_logs (stored_at);
