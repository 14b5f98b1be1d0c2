-- works with: 0016
-- How long runs took, by day and provider, for their median and the longest: runs are counted by steps of duration, eight to each doubling, so that a
-- day has a row for each step that occurs, and not one for each run. The average of a step, which its runs differ from by 9 % at most, stands for them.
-- As with the runs of a day (migration 0038), each run that ends adds a row, and the clean-up adds these rows up.
create table elder_worker.run_durations (
    day      date not null,                 -- of UTC, on which the runs began
    provider text not null,
    step     smallint not null,             -- 8 * log2(seconds), rounded down; -80: a millisecond and less
    runs     bigint not null,
    seconds  float8 not null,               -- that they took together
    longest  float8                         -- seconds of the longest; null in a row that takes runs away
);
create index run_durations_day on elder_worker.run_durations (day);

create function elder_worker.add_duration(job bigint, started_at timestamptz, completed_at timestamptz, counted integer) returns void
    language plpgsql security definer set search_path = pg_catalog as $$
declare
    took float8 := greatest(coalesce(extract(epoch from completed_at - started_at), 0), 0);
begin
    insert into elder_worker.run_durations (day, provider, step, runs, seconds, longest)
    select (started_at at time zone 'UTC')::date, j.provider, floor(8 * ln(greatest(took, 0.001)) / ln(2)), counted, counted * took,
           case when counted > 0 then took end
    from public.discovery_jobs j where j.id = job;
end
$$;

create or replace function elder_worker.count_run() returns trigger
    language plpgsql security definer set search_path = pg_catalog as $$
begin
    if tg_op = 'UPDATE' and old.status <> 'running' then
        insert into elder_worker.run_counts (day, status, runs, seconds)
        values ((old.started_at at time zone 'UTC')::date, old.status, -1, -coalesce(extract(epoch from old.completed_at - old.started_at), 0));
        perform elder_worker.add_duration(old.job_id, old.started_at, old.completed_at, -1);
    end if;
    if new.status <> 'running' then
        insert into elder_worker.run_counts (day, status, runs, seconds)
        values ((new.started_at at time zone 'UTC')::date, new.status, 1, coalesce(extract(epoch from new.completed_at - new.started_at), 0));
        perform elder_worker.add_duration(new.job_id, new.started_at, new.completed_at, 1);
    end if;
    return null;
end
$$;

-- Nobody ends a run from here on to the end of the migration, or it would be counted twice or never.
lock table discovery_history in share row exclusive mode;
insert into elder_worker.run_durations (day, provider, step, runs, seconds, longest)
select (h.started_at at time zone 'UTC')::date, j.provider, floor(8 * ln(greatest(t.took, 0.001)) / ln(2)), count(*), sum(t.took), max(t.took)
from discovery_history h
join discovery_jobs j on j.id = h.job_id
cross join lateral (select greatest(coalesce(extract(epoch from h.completed_at - h.started_at), 0), 0)::float8 as took) as t
where h.status <> 'running'
group by 1, 2, 3;
