-- name: tombstone
-- Marks entities of a scope as deleted; returns how many.
with gone as (
    update entities set is_active = false, deleted_at = now(), changed_at = now(), unconfirmed_since = null
    where scope_id = %(scope)s and key = any(%(keys)s) and is_active
    returning id
), recorded as (
    insert into entity_changes (entity_id, run_id, operation) select id, %(run)s, 'deleted' from gone
)
select count(*) from gone

-- name: forget_sightings
-- Deletes a scope's sightings that it no longer sees.
delete from elder_worker.sightings where scope_id = %(scope)s and key = any(%(keys)s)

-- name: hand_over
-- Gives entities that scopes no longer see to another current scope that sees them, to the one that was read in full last when there are
-- several; returns how many. Without keys, all of them; with a limit, so many at most. What has got another owner, or was deleted, while this statement waited for its row stays as it is.
with heirs as (
    select distinct on (g.entity_id) g.entity_id, g.scope_id, g.key, g.content
    from elder_worker.sightings g
    join entities e on e.id = g.entity_id
    join elder_worker.scopes h on h.id = g.scope_id
    where e.scope_id = any(%(scopes)s) and e.is_active and (%(keys)s::bigint[] is null or e.key = any(%(keys)s)) and h.state = 'current'
    order by g.entity_id, h.last_complete_at desc nulls last, g.scope_id
    limit %(limit)s
), moved as (
    update entities e set scope_id = heirs.scope_id, unconfirmed_since = null, content = case when e.content = heirs.content then e.content else 0 end
    from heirs where e.id = heirs.entity_id and e.is_active and e.scope_id = any(%(scopes)s)
    returning e.id
), forgotten as (
    delete from elder_worker.sightings g using heirs where g.scope_id = heirs.scope_id and g.key = heirs.key
)
select count(*) from moved

-- name: take_over
-- Gives a scope what it has seen of owners that have not been read in full for a week, and that no run is reading; returns how many entities.
with stale as (
    select o.id from elder_worker.scopes o
    where o.id <> %(scope)s and o.state = 'current' and coalesce(o.last_complete_at, o.created_at) <= now() - interval '7 days'
      and exists (select from elder_worker.sightings where scope_id = %(scope)s)
      and not exists (select from discovery_history r
                      where r.id = o.last_run and r.status = 'running' and o.owner = 'job:' || r.job_id
                        and not exists (select from run_scopes ended where ended.run_id = r.id and ended.scope_id = o.id))
), taken as (
    update entities e set scope_id = %(scope)s, unconfirmed_since = null, content = case when e.content = g.content then e.content else 0 end
    from elder_worker.sightings g
    where g.scope_id = %(scope)s and e.id = g.entity_id and e.is_active and e.scope_id in (select id from stale)
    returning g.key
), forgotten as (
    delete from elder_worker.sightings where scope_id = %(scope)s and key in (select key from taken)
)
select count(*) from taken

-- name: count_own
-- Returns how many of the keys are active entities of a scope's own, and how many of those it has in all.
select count(*) filter (where key = any(%(keys)s)), count(*) from entities where scope_id = %(scope)s and is_active

-- name: hold
-- Holds back tombstones until a person releases them.
insert into elder_worker.held (run_id, scope_id, entity_id)
select %(run)s, scope_id, id from entities where scope_id = %(scope)s and key = any(%(keys)s) and is_active
on conflict (scope_id, entity_id) do update set run_id = excluded.run_id

-- name: unhold_others
-- Stops holding back entities of a scope, except for those that it does not see again.
delete from elder_worker.held h using entities e
where h.scope_id = %(scope)s and e.id = h.entity_id and (e.scope_id <> h.scope_id or e.key <> all(%(keys)s))

-- name: held_keys
-- Returns the keys of the entities held back in a scope.
select e.key from elder_worker.held h join entities e on e.id = h.entity_id where h.scope_id = %(scope)s

-- name: lock_job_of
-- Locks the job of a run, which claims then skip; returns whether the job is running.
select exists (select from elder_worker.claims c where c.job_id = j.id and c.owner is not null)
from discovery_jobs j join discovery_history h on h.job_id = j.id where h.id = %(run)s for update of j

-- name: release_held
-- Marks held-back entities as deleted, and remembers them; returns how many. An entity that was seen again since is not held any more.
with held as (
    delete from elder_worker.held
    where run_id = %(run)s or scope_id in (select id from elder_worker.scopes where owner = %(owner)s)
    returning entity_id, scope_id
), gone as (
    update entities set is_active = false, deleted_at = now(), changed_at = now(), unconfirmed_since = null
    where id in (select entity_id from held) and is_active
    returning id
), recorded as (
    insert into entity_changes (entity_id, run_id, operation) select id, %(run)s, 'deleted' from gone
), remembered as (
    insert into elder_worker.released (release_id, kind, entity_id, scope_id)
    select %(release)s, 'entity', g.id, min(h.scope_id) from gone g join held h on h.entity_id = g.id group by g.id
)
select count(*) from gone

-- name: unconfirm
-- Sets `unconfirmed_since` of entities that a reading which proves no deletion did not show, unless an earlier reading has set it.
update entities set unconfirmed_since = now()
where scope_id = %(scope)s and key = any(%(keys)s) and is_active and unconfirmed_since is null

-- name: unconfirmed_before
-- Returns which of the keys are of entities whose `unconfirmed_since` was set at least `lag` seconds ago.
select key from entities
where scope_id = %(scope)s and key = any(%(keys)s) and is_active and unconfirmed_since <= now() - make_interval(secs => %(lag)s)

-- name: unconfirmed_keys
-- Returns the keys of a scope's entities that have an `unconfirmed_since`.
select key from entities where scope_id = %(scope)s and unconfirmed_since is not null

-- name: confirm
-- Clears `unconfirmed_since` of a scope's entities, except for those with the keys `except_keys`.
update entities set unconfirmed_since = null
where scope_id = %(scope)s and unconfirmed_since is not null and key <> all(%(except_keys)s)
