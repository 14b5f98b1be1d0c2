-- works with: 0016
-- Jobs that run at set times: a cron expression with its time zone, in place of an interval. Who knows only intervals leaves such a job
-- without a next time; the next sweep of a worker of this release gives it one.

alter table discovery_jobs
    add column schedule_cron text,
    add column schedule_timezone text not null default 'UTC',
    add constraint discovery_jobs_one_schedule check (schedule_cron is null or schedule_interval is null);
comment on column discovery_jobs.schedule_cron is 'When the job runs, as five fields: minute, hour, day of the month, month, day of the week; null: by its interval, or on demand.';
comment on column discovery_jobs.schedule_timezone is 'The time zone in which schedule_cron is meant.';
create index discovery_jobs_unplanned on discovery_jobs (id) where schedule_cron is not null and next_run_at is null;
