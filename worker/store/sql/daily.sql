-- name: runs_by_day
-- Counts runs that have ended by day (UTC) and status.
select day, status, sum(runs)::bigint as runs
from elder_worker.run_counts
where day > (now() at time zone 'UTC')::date - %(days)s::integer
group by 1, 2 having sum(runs) > 0

-- name: run_durations
-- Returns how long runs took by step of duration, of each day (UTC) and of each provider, the other of which is null: how many runs, their seconds
-- together, and those of the longest.
select day, provider, step, sum(runs)::bigint as runs, sum(seconds) as seconds, coalesce(max(longest), 0) as longest
from elder_worker.run_durations
where day > (now() at time zone 'UTC')::date - %(days)s::integer
group by grouping sets ((day, step), (provider, step)) having sum(runs) > 0

-- name: entities_by_day
-- Returns by how many the active entities became more or fewer, by day (UTC).
select day, sum(change)::bigint as change
from (
    select (created_at at time zone 'UTC')::date as day, entities as change from elder_worker.created
    where created_at >= (date_trunc('day', now() at time zone 'UTC') - make_interval(days => %(days)s - 1)) at time zone 'UTC'
    union all
    select (changed_at at time zone 'UTC')::date, case operation when 'deleted' then -1 else 1 end from entity_changes
    where changed_at >= (date_trunc('day', now() at time zone 'UTC') - make_interval(days => %(days)s - 1)) at time zone 'UTC'
      and operation <> 'updated'
) as changes
group by day
