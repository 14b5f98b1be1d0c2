-- A deleted job is marked, and its runs are deleted in batches in the background: a year of runs every five minutes takes longer than a request.

alter table discovery_jobs add column deleted_at timestamptz;
create index discovery_jobs_deleted on discovery_jobs (id) where deleted_at is not null;

-- What a deletion of runs has to look up.
create index claims_run on elder_worker.claims (run_id) where run_id is not null;
create index discovery_history_completed on discovery_history (job_id, id) where status = 'completed';
