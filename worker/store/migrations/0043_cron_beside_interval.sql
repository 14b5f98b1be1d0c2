-- works with: 0016
-- Who knows only intervals may give one to a job that has a cron expression; the constraint would refuse that as an error of the database.
-- The interval holds then.

alter table discovery_jobs drop constraint discovery_jobs_one_schedule;
comment on column discovery_jobs.schedule_cron is 'When the job runs, as five fields: minute, hour, day of the month, month, day of the week; null: by its interval, or on demand. An interval beside it holds instead.';
