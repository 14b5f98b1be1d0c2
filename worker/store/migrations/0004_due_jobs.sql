-- Claimers walk this from its beginning: what runs is not in their way, and jobs that are due since the same moment need no sorting.

drop index discovery_jobs_due;
create index discovery_jobs_due on discovery_jobs (next_run_at, id)
    where enabled and next_run_at is not null and status not in ('parked', 'running');
