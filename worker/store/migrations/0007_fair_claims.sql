-- Who is due, provider by provider: the one with the fewest jobs at work, and of those the one served longest ago, has the next free slot.

create index discovery_jobs_due_by_provider on discovery_jobs (provider, next_run_at, id)
    where enabled and next_run_at is not null and status not in ('parked', 'running');
create index discovery_jobs_served on discovery_jobs (provider, last_run_at) where last_run_at is not null;
create index claims_held on elder_worker.claims (job_id) where owner is not null;
