-- name: put_progress
-- Stores a run's progress.
update discovery_history
set entities_discovered = %(resources)s,
    entities_created = %(created)s,
    entities_updated = %(updated)s,
    entities_deleted = %(deleted)s,
    entities_rejected = %(rejected)s,
    scopes_planned = %(planned)s,
    identity = %(identity)s
where id = %(run)s

-- name: take_unresolved_links
-- Takes up the links that earlier runs of a job, or of its organization's jobs, have left unresolved; true when there may be some. A run that the
-- previous release has swept is known by being lost.
with taken as (
    update discovery_history h set links_unresolved = false
    where h.id in (
        select u.id from discovery_history u join discovery_jobs j on j.id = u.job_id
        where u.links_unresolved and u.id <> %(run)s and (u.job_id = %(job)s or j.organization_id = %(organization)s)
        for update of u skip locked
    )
    returning 1
)
select exists (select from taken) or coalesce(
    (
        select h.error_kind = 'lost' or h.status = 'running' from discovery_history h
        where h.job_id = %(job)s and h.id < %(run)s
        order by h.id desc limit 1
    ),
    false
)

-- name: add_to_ledger
-- Adds a scope's line to a run's ledger.
insert into run_scopes (
    run_id,
    scope_id,
    provider,
    account,
    region,
    resource_type,
    coverage,
    outcome,
    resources,
    deleted,
    held_back,
    held_links,
    held_attributes,
    message,
    permission,
    detail,
    as_of
) values (
    %(run)s,
    %(scope)s,
    %(provider)s,
    %(account)s,
    %(region)s,
    %(resource_type)s,
    %(coverage)s,
    %(outcome)s,
    %(resources)s,
    %(deleted)s,
    %(held_back)s,
    %(held_links)s,
    %(held_attributes)s,
    %(message)s,
    %(permission)s,
    %(detail)s,
    %(as_of)s
)
on conflict (run_id, scope_id) do nothing

-- name: latest_runs
-- Returns the newest run of each job.
select newest.*
from unnest(%s::bigint[]) as wanted (id)
cross join lateral (
    select id, job_id, status, error_kind, error, error_detail, entities_discovered, entities_created, entities_updated, entities_deleted,
           entities_rejected, attempt, worker, identity, started_at, completed_at
    from discovery_history where job_id = wanted.id order by id desc limit 1
) as newest

-- name: runs_with_changes
-- Returns the newest runs that changed something.
select h.id, h.job_id, j.name as job, h.status, h.entities_created, h.entities_updated, h.entities_deleted, h.started_at
from discovery_history h join discovery_jobs j on j.id = h.job_id
where h.entities_created + h.entities_updated + h.entities_deleted > 0 and j.deleted_at is null
order by h.id desc limit %s

-- name: lines_of_runs
-- Returns some lines of the ledger of each run, those that are not complete first, and one line of each outcome; `alike` is how many have it. Ledgers in
-- chains are put together once for all runs: a line holds from its run until the next run that has one of the scope.
with wanted as materialized (
    select id, ledger_chain, ledger_without from discovery_history where id = any(%(numbers)s)
), lines as materialized (
    select c.ledger_chain, l.*, lead(l.run_id) over (partition by c.ledger_chain, l.scope_id order by l.run_id) as until
    from discovery_history c join elder_worker.ledger_lines l on l.run_id = c.id
    where c.ledger_chain = any(array(select ledger_chain from wanted where ledger_chain > 0)) and c.ledger_chain > 0
), ledger as (
    select run_id, provider, account, region, resource_type, coverage, outcome, resources, deleted, held_back, held_links,
           held_attributes, message, permission, as_of
    from run_scopes where run_id = any(%(numbers)s)
    union all
    select w.id, l.provider, l.account, l.region, l.resource_type, l.coverage, l.outcome, l.resources, l.deleted, l.held_back, l.held_links,
           l.held_attributes, l.message, l.permission, l.as_of
    from wanted w
    join lines l on l.ledger_chain = w.ledger_chain and l.run_id <= w.id and (l.until > w.id or l.until is null)
                and l.scope_id <> all(w.ledger_without)
)
select * from (
    select *,
           row_number() over (partition by run_id order by outcome = 'complete', account, region, resource_type, coverage) as place,
           row_number() over (partition by run_id, outcome) as of_outcome,
           count(*) over (partition by run_id, outcome) as alike
    from ledger
) as numbered
where place <= %(limit)s or of_outcome = 1
order by run_id, place

-- name: settle_ledger
-- Takes what was held back out of a run's ledger, as a person has released it.
update run_scopes set deleted = deleted + held_back, held_back = 0, held_links = 0, held_attributes = 0
where run_id = %(run)s and (held_back, held_links, held_attributes) <> (0, 0, 0)

-- name: put_run_log
-- Stores the log lines of a run in place of those that are stored, unless the run is no more.
insert into elder_worker.run_logs (run_id, lines, left_out, left_out_after)
select id, %(lines)s, %(left_out)s, %(left_out_after)s from discovery_history where id = %(run)s
on conflict (run_id) do update
set lines = excluded.lines, left_out = excluded.left_out, left_out_after = excluded.left_out_after, stored_at = excluded.stored_at

-- name: run_log
-- Returns the log of a run, which has no row of its own when it has logged nothing.
select h.id as run_id, h.status, coalesce(l.lines, '[]') as lines, coalesce(l.left_out, 0) as left_out, coalesce(l.left_out_after, 0) as left_out_after
from discovery_history h
join discovery_jobs j on j.id = h.job_id and j.deleted_at is null
left join elder_worker.run_logs l on l.run_id = h.id
where h.id = %s
