-- Runs that were ended by whoever looked at them while no worker did: the next worker counts them.

create table elder_worker.swept (
    job_id   bigint not null,
    run_id   bigint not null,
    provider text not null,
    attempt  integer not null,
    status   text not null                  -- the job's, after it
);
