-- name: lock_doomed_runs
-- Locks runs that are kept no longer: those of deleted jobs, and those that ended longer ago than history is kept, but for each job's latest run,
-- its latest complete one, those by which something is held back, and those whose links no run has resolved yet. Returns their rows.
select h.id from discovery_history h
where h.id in (
    (
        select r.id from discovery_jobs j join discovery_history r on r.job_id = j.id
        where j.deleted_at is not null
        limit %(limit)s
    )
    union all
    (
        select r.id from discovery_history r
        where r.completed_at < now() - make_interval(days => %(days)s)
          and exists (select from discovery_history n where n.job_id = r.job_id and n.id > r.id)
          and not r.links_unresolved
          and not exists (select from elder_worker.held k where k.run_id = r.id)
          and not exists (select from elder_worker.losses l where l.run_id = r.id)
          and (
              r.status <> 'completed'
              or exists (select from discovery_history n where n.job_id = r.job_id and n.id > r.id and n.status = 'completed'))
        order by r.completed_at
        limit %(limit)s
    )
)
limit %(limit)s
for update of h skip locked

-- name: delete_ledger_lines
-- Deletes lines of the ledgers of runs, so many at most.
delete from run_scopes
where ctid in (select ctid from run_scopes where run_id = any(%(runs)s) limit %(lines)s)

-- name: delete_runs
-- Deletes those of the runs that have no ledger any more.
delete from discovery_history h
where h.id = any(%(runs)s) and not exists (select from run_scopes s where s.run_id = h.id)

-- name: lock_deleted_jobs
-- Locks jobs that are marked as deleted and have no runs any more, so many at most; returns their rows.
select j.id from discovery_jobs j
where j.deleted_at is not null and not exists (select from discovery_history h where h.job_id = j.id)
order by j.id limit %(limit)s
for update of j skip locked

-- name: delete_old_changes
-- Deletes the oldest changes of entities, so many at most; returns how many.
with deleted as (
    delete from entity_changes where id in (
        select id from entity_changes where changed_at < now() - make_interval(days => %(days)s) order by changed_at limit %(limit)s)
    returning 1
)
select count(*) from deleted

-- name: delete_old_created
-- Deletes the oldest records of which run created which entities, so many at most; returns how many.
with deleted as (
    delete from elder_worker.created where ctid in (
        select ctid from elder_worker.created where created_at < now() - make_interval(days => %(days)s) order by created_at limit %(limit)s)
    returning 1
)
select count(*) from deleted

-- name: delete_old_audit
-- Deletes the oldest lines of the audit log, so many at most; returns how many. Ids grow with time.
with oldest as (
    select id, at from audit_log order by id limit %(limit)s
), deleted as (
    delete from audit_log a using oldest o where a.id = o.id and o.at < now() - make_interval(days => %(days)s)
    returning 1
)
select count(*) from deleted

-- name: delete_old_run_logs
-- Deletes the oldest logs of runs, so many at most; returns how many.
with deleted as (
    delete from elder_worker.run_logs where run_id in (
        select run_id from elder_worker.run_logs where stored_at < now() - make_interval(days => %(days)s) order by stored_at limit %(limit)s)
    returning 1
)
select count(*) from deleted

-- name: delete_old_sync_logs
-- Deletes the oldest logs of connectors' syncs, so many at most; returns how many.
with deleted as (
    delete from elder_worker.sync_logs where run_id in (
        select run_id from elder_worker.sync_logs where stored_at < now() - make_interval(days => %(days)s) order by stored_at limit %(limit)s)
    returning 1
)
select count(*) from deleted

-- name: delete_gone_entities
-- Removes entities that were marked as deleted long ago, so many at most, with their links and history; returns how many. Those whose deletion a
-- person can still undo stay. An entity that named one of them as its parent names none.
with doomed as (
    select e.id from entities e
    where not e.is_active and e.deleted_at < now() - make_interval(days => %(days)s)
      and not exists (
          select from elder_worker.released r join elder_worker.releases l on l.id = r.release_id
          where r.entity_id = e.id and l.undone_at is null and l.released_at > now() - make_interval(days => %(undone_within)s))
    order by e.deleted_at
    limit %(limit)s
    for update of e skip locked
), orphaned as (
    update entities e set parent_id = null from doomed d where e.parent_id = d.id and e.id not in (select id from doomed)
), deleted as (
    delete from entities e using doomed d where e.id = d.id
    returning 1
)
select count(*) from deleted

-- name: add_up_counts
-- Adds up the counts of entities, when there are many more rows of them than groups; so many rows at most. Others may do the same at once.
with size as (
    select count(*) as lines,
           count(distinct (entity_type, sub_type, provider, case when first_seen_at > now() - interval '1 day' then first_seen_at end)) as groups
    from elder_worker.entity_counts
), taken as (
    delete from elder_worker.entity_counts where ctid in (
        select c.ctid from elder_worker.entity_counts c, size
        where size.lines > size.groups + %(spare)s limit %(limit)s for update of c skip locked)
    returning *
)
insert into elder_worker.entity_counts (entity_type, sub_type, provider, first_seen_at, entities)
select entity_type, sub_type, provider, case when first_seen_at > now() - interval '1 day' then first_seen_at end, sum(entities)
from taken
group by 1, 2, 3, 4 having sum(entities) <> 0

-- name: add_up_organizations
-- Adds up the counts of entities by organization in the same way.
with size as (
    select count(*) as lines, count(distinct organization_id) as groups from elder_worker.organization_counts
), taken as (
    delete from elder_worker.organization_counts where ctid in (
        select c.ctid from elder_worker.organization_counts c, size
        where size.lines > size.groups + %(spare)s limit %(limit)s for update of c skip locked)
    returning *
)
insert into elder_worker.organization_counts (organization_id, entities)
select organization_id, sum(entities) from taken group by 1 having sum(entities) <> 0

-- name: add_up_runs
-- Adds up the counts of runs by day in the same way.
with size as (
    select count(*) as lines, count(distinct (day, status)) as groups from elder_worker.run_counts
), taken as (
    delete from elder_worker.run_counts where ctid in (
        select c.ctid from elder_worker.run_counts c, size
        where size.lines > size.groups + %(spare)s limit %(limit)s for update of c skip locked)
    returning *
)
insert into elder_worker.run_counts (day, status, runs, seconds)
select day, status, sum(runs), sum(seconds) from taken group by 1, 2 having sum(runs) <> 0

-- name: add_up_durations
-- Adds up the counts of runs by day, provider and step of duration in the same way; the longest of each stays.
with size as (
    select count(*) as lines, count(distinct (day, provider, step)) as groups from elder_worker.run_durations
), taken as (
    delete from elder_worker.run_durations where ctid in (
        select c.ctid from elder_worker.run_durations c, size
        where size.lines > size.groups + %(spare)s limit %(limit)s for update of c skip locked)
    returning *
)
insert into elder_worker.run_durations (day, provider, step, runs, seconds, longest)
select day, provider, step, sum(runs), sum(seconds), max(longest) from taken group by 1, 2, 3 having sum(runs) <> 0

-- name: delete_old_durations
-- Deletes the durations of days of more than a year ago.
delete from elder_worker.run_durations where day < (now() at time zone 'UTC')::date - %(days)s::integer
