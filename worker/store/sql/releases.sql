-- name: begin_release
-- Adds a release of what a run or a connector has held back; returns its id.
insert into elder_worker.releases (owner, run_id, released_by)
select coalesce(%(owner)s::text, 'job:' || h.job_id, ''), h.id, %(by)s
from (select %(run)s::bigint as run) as asked left join discovery_history h on h.id = asked.run
returning id

-- name: count_release
-- Stores how much a release has deleted.
update elder_worker.releases set entities = %(entities)s, links = %(links)s, attributes = %(attributes)s where id = %(release)s

-- name: lock_release
-- Locks a release that can be undone; returns its owner, its run and when it was undone.
select owner, run_id, undone_at from elder_worker.releases where id = %(release)s for update

-- name: restore_entities
-- Restores the entities of a release that are deleted since then, and holds them back again; returns how many.
with back as (
    update entities e set is_active = true, deleted_at = null, changed_at = now()
    from elder_worker.released r
    join elder_worker.releases l on l.id = r.release_id
    where r.release_id = %(release)s and r.kind = 'entity' and e.id = r.entity_id and not e.is_active and e.deleted_at = l.released_at
    returning e.id, e.scope_id, r.scope_id as was
), recorded as (
    insert into entity_changes (entity_id, run_id, operation) select id, %(run)s, 'restored' from back
), held as (
    insert into elder_worker.held (run_id, scope_id, entity_id) select %(run)s, scope_id, id from back where scope_id = was
    on conflict do nothing
), reopened as (
    update elder_worker.scopes set state = 'abandoned', state_since = now()
    where state = 'retired' and id in (select scope_id from back)
)
select count(*) from back

-- name: restore_links
-- Puts back the links of a release that are not there, and holds their loss again; returns how many. An entity gets no second parent.
with back as (
    insert into dependencies (source_id, target_id, target_external_id, dependency_type, created_at)
    select r.entity_id, (select t.id from entities t where t.id = r.target_id), r.target, r.name, coalesce(r.since, now())
    from elder_worker.released r
    join entities e on e.id = r.entity_id
    where r.release_id = %(release)s and r.kind = 'link' and e.is_active
      and not (r.name = 'parent' and exists (
          select from dependencies d where d.source_id = r.entity_id and d.dependency_type = 'parent'))
    on conflict do nothing
    returning source_id, target_id, target_external_id, dependency_type
), adopted as (
    update entities e set parent_id = b.target_id
    from back b
    where b.source_id = e.id and b.dependency_type = 'parent'
), held as (
    insert into elder_worker.losses (entity_id, scope_id, kind, name, target, run_id, held_at)
    select b.source_id, r.scope_id, 'link', b.dependency_type, b.target_external_id, %(run)s, now()
    from back b
    join elder_worker.released r on r.release_id = %(release)s and r.kind = 'link'
        and (r.entity_id, r.name, r.target) = (b.source_id, b.dependency_type, b.target_external_id)
    join entities e on e.id = b.source_id and e.scope_id = r.scope_id
    on conflict do nothing
)
select count(*) from back

-- name: restore_attributes
-- Puts back the attributes of a release that are as it left them, and holds their loss again; returns how many.
with lost as (
    select r.entity_id, r.scope_id, r.name, r.before, r.after, e.scope_id = r.scope_id as same_scope
    from elder_worker.released r
    join entities e on e.id = r.entity_id
    where r.release_id = %(release)s and r.kind = 'attribute' and e.is_active and r.before is not null
      and (e.attributes -> r.name) is not distinct from r.after
), changed as (
    select entity_id, jsonb_object_agg(name, before) as attributes,
           jsonb_object_agg('attributes.' || name, jsonb_build_array(after, before)) as changes
    from lost group by entity_id
), recorded as (
    insert into entity_changes (entity_id, run_id, operation, changes) select entity_id, %(run)s, 'updated', changes from changed
), applied as (
    update entities e set attributes = e.attributes || c.attributes, changed_at = now()
    from changed c
    where e.id = c.entity_id
), held as (
    insert into elder_worker.losses (entity_id, scope_id, kind, name, value, run_id, held_at)
    select entity_id, scope_id, 'attribute', name, after, %(run)s, now() from lost where same_scope
    on conflict do nothing
)
select count(*) from lost

-- name: unsettle_ledger
-- Puts what is held back of a run again back into its ledger.
update run_scopes s
set deleted = greatest(s.deleted - (now_held.entities - s.held_back), 0), held_back = now_held.entities,
    held_links = now_held.links, held_attributes = now_held.attributes
from (
    select scope_id, count(*) filter (where kind = 'entity') as entities, count(*) filter (where kind = 'link') as links,
           count(*) filter (where kind = 'attribute') as attributes
    from (
        select scope_id, 'entity' as kind from elder_worker.held where run_id = %(run)s
        union all
        select scope_id, kind from elder_worker.losses where run_id = %(run)s and held_at is not null
    ) as held
    group by scope_id
) as now_held
where s.run_id = %(run)s and s.scope_id = now_held.scope_id

-- name: mark_undone
-- Marks a release as undone.
update elder_worker.releases set undone_at = now(), undone_by = %(by)s where id = %(release)s

-- name: forget_releases
-- Deletes releases that can be undone no longer.
delete from elder_worker.releases where released_at < now() - make_interval(days => %(days)s)

-- name: scopes_of_release
-- Returns the scopes of what a release has deleted.
select distinct scope_id from elder_worker.released where release_id = %(release)s

-- name: tell_run
-- Replaces the sentence of a run that was carried out.
update discovery_history set error = %(sentence)s where id = %(run)s and status = 'completed'

-- name: tell_sync
-- Replaces the sentence of the newest sync of the connector, if it read everything.
update connector_history set error = %(sentence)s
where status = 'completed'
  and id = (select max(id) from connector_history where 'connector:' || connector = %(owner)s and status <> 'running')
