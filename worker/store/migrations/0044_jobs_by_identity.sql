-- works with: 0016
-- Other jobs that read the same source are looked up for each job that is shown: by what they read, and those of which that is not known yet.

create index discovery_jobs_by_identity on discovery_jobs (provider, identity) where deleted_at is null;
