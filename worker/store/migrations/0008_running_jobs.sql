-- How many jobs of each provider are at work, for the claim, without a look at those that are not.

create index discovery_jobs_running on discovery_jobs (provider) where status = 'running';
