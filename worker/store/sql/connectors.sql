-- name: begin_sync
-- Creates the row of a connector's sync when it is missing; returns it. A row that is there is not written, and uses up no number.
with found as (
    select id from connector_history where connector = %(connector)s and run = %(run)s
), made as (
    insert into connector_history as h (connector, run)
    select %(connector)s, %(run)s where not exists (select from found)
    on conflict (connector, run) do update set run = h.run
    returning id
)
select id from found union all select id from made

-- name: put_sync
-- Stores how a connector's sync stands.
update connector_history
set status = %(status)s, error_kind = %(error_kind)s, error = %(error)s, error_detail = %(detail)s,
    entities_discovered = %(resources)s, entities_created = %(created)s, entities_updated = %(updated)s,
    entities_deleted = %(deleted)s, entities_rejected = %(rejected)s, identity = coalesce(%(identity)s, identity),
    credential_expires_at = case when %(identity)s::jsonb is null then credential_expires_at else %(ends)s::timestamptz end,
    completed_at = case when %(status)s <> 'running' then now() end
where id = %(id)s

-- name: end_earlier_syncs
-- Ends earlier syncs of a connector whose worker never told their end.
update connector_history
set status = 'error', error_kind = 'lost', error = 'the sync never ended: its worker is gone, or could not reach the API', completed_at = now()
where connector = %(connector)s and id < %(id)s and status = 'running'

-- name: prune_syncs
-- Deletes a connector's oldest syncs, so many at most; the newest and the latest complete one are kept.
delete from connector_history where id in (
    select id from connector_history
    where connector = %(connector)s
      and id not in (select id from connector_history where connector = %(connector)s order by id desc limit %(kept)s)
      and id not in (select id from connector_history where connector = %(connector)s and status = 'completed' order by id desc limit 1)
    order by id
    limit %(pruned)s
)

-- name: add_to_connector_ledger
-- Adds a scope's line to the ledger of a connector's sync.
insert into connector_scopes (run_id, scope_id, provider, account, region, resource_type, coverage, outcome, resources, deleted, held_back,
                              held_links, held_attributes, message, permission, detail, as_of)
values (%(run)s, %(scope)s, %(provider)s, %(account)s, %(region)s, %(resource_type)s, %(coverage)s, %(outcome)s, %(resources)s, %(deleted)s,
        %(held_back)s, %(held_links)s, %(held_attributes)s, %(message)s, %(permission)s, %(detail)s, %(as_of)s)
on conflict (run_id, scope_id) do nothing

-- name: abandon_connector_scopes
-- Marks the scopes that a connector's whole plan no longer contains; returns their rows. What is below a scope that could not be listed is
-- unknown, not left out.
update elder_worker.scopes s set state = 'abandoned', state_since = now()
where s.owner = %(owner)s and s.state = 'current' and s.last_run is distinct from %(run)s
  and not exists (
      select from connector_scopes r
      where r.run_id = %(run)s and r.resource_type = '*' and r.provider = s.provider and r.account = s.account
        and r.region in ('', s.region))
returning s.id

-- name: connectors
-- Returns each connector with its newest sync and the time of its latest complete one.
select newest.connector as name, newest.status, newest.error_kind, newest.error, newest.started_at, newest.completed_at,
       newest.entities_discovered as entities,
       (select max(h.completed_at) from connector_history h where h.connector = newest.connector and h.status = 'completed')
           as last_complete_at,
       (select count(*) from elder_worker.scopes s where s.owner = 'connector:' || newest.connector and s.state = 'current') as scopes,
       (select count(*) from elder_worker.scopes s
        where s.owner = 'connector:' || newest.connector and s.state = 'current' and s.last_outcome <> 'complete') as incomplete_scopes,
       (select count(*) from elder_worker.scopes s where s.owner = 'connector:' || newest.connector and s.state = 'abandoned')
           as abandoned_scopes
from (select distinct on (connector) * from connector_history order by connector, id desc) as newest
where %(name)s::text is null or newest.connector = %(name)s
order by newest.connector

-- name: syncs
-- Returns the newest syncs of a connector, or the newest ones before the given one.
select id, connector, run, status, error_kind, error, error_detail, entities_discovered, entities_created, entities_updated,
       entities_deleted, entities_rejected, identity, started_at, completed_at
from connector_history
where connector = %(name)s and (%(before)s::bigint is null or id < %(before)s)
order by id desc limit %(limit)s

-- name: one_sync
-- Returns one sync of a connector.
select id, connector, run, status, error_kind, error, error_detail, entities_discovered, entities_created, entities_updated,
       entities_deleted, entities_rejected, identity, started_at, completed_at
from connector_history where connector = %(name)s and id = %(sync)s

-- name: lines_of_syncs
-- Returns some lines of the ledger of each sync, as `lines_of_runs` does.
select * from (
    select run_id, provider, account, region, resource_type, coverage, outcome, resources, deleted, held_back, held_links,
           held_attributes, message, permission, as_of,
           row_number() over (partition by run_id order by outcome = 'complete', account, region, resource_type, coverage) as place,
           row_number() over (partition by run_id, outcome) as of_outcome,
           count(*) over (partition by run_id, outcome) as alike
    from connector_scopes where run_id = any(%(numbers)s)
) as numbered
where place <= %(limit)s or of_outcome = 1
order by run_id, place

-- name: add_sync_log
-- Stores the log lines of a sync, once.
insert into elder_worker.sync_logs (run_id, lines, left_out, left_out_after)
values (%(run)s, %(lines)s, %(left_out)s, %(left_out_after)s)
on conflict (run_id) do nothing

-- name: sync_log
-- Returns the log of a connector's newest sync, or of the given one.
select h.id as sync_id, h.connector, h.status, coalesce(l.lines, '[]') as lines, coalesce(l.left_out, 0) as left_out,
       coalesce(l.left_out_after, 0) as left_out_after
from connector_history h
left join elder_worker.sync_logs l on l.run_id = h.id
where h.connector = %(name)s and (%(sync)s::bigint is null or h.id = %(sync)s)
order by h.id desc limit 1
