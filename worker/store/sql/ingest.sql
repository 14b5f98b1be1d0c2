-- name: stage
create temporary table if not exists staged (
    organization_id bigint, external_id text, entity_type text, sub_type text, name text, region text,
    attributes jsonb, tags jsonb, key bigint, content bigint
) on commit delete rows

-- name: stage_links
create temporary table if not exists staged_links (key bigint, dependency_type text, target text) on commit delete rows

-- An entity whose organization has changed keeps its row: its identity is the vendor's.
-- name: move
update entities e set organization_id = s.organization_id
from staged s
where e.scope_id = %(scope)s and e.key = s.key and e.is_active and e.organization_id <> s.organization_id
  and not exists (select from entities x where x.organization_id = s.organization_id and x.external_id = s.external_id)

-- What is about to change, field by field; a restored entity has an entry even when nothing else changed.
-- name: record_changes
insert into entity_changes (entity_id, run_id, operation, changes)
select e.id, %(run)s, case when e.is_active then 'updated' else 'restored' end, d.changes
from staged s
join entities e on e.organization_id = s.organization_id and e.external_id = s.external_id
cross join lateral (
    select coalesce(jsonb_object_agg(path, jsonb_build_array(old, new)), '{}') as changes
    from (
        select 'attributes.' || coalesce(o.key, n.key) as path, o.value as old, n.value as new
        from jsonb_each(e.attributes) o full join jsonb_each(s.attributes) n on o.key = n.key
        where o.value is distinct from n.value
        union all
        select 'tags.' || coalesce(o.key, n.key), o.value, n.value
        from jsonb_each(e.tags) o full join jsonb_each(s.tags) n on o.key = n.key
        where o.value is distinct from n.value
        union all
        select path, to_jsonb(old), to_jsonb(new)
        from (values ('name', e.name, s.name), ('region', e.region, s.region),
                     ('entity_type', e.entity_type, s.entity_type), ('sub_type', e.sub_type, s.sub_type)) as v (path, old, new)
        where old is distinct from new
    ) as fields
) as d
where (e.content <> s.content and d.changes <> '{}') or not e.is_active

-- name: merge
insert into entities as e (organization_id, external_id, entity_type, sub_type, name, region, attributes, tags, key, content,
                           provider, account, scope_id)
select organization_id, external_id, entity_type, sub_type, name, region, attributes, tags, key, content,
       %(provider)s, %(account)s, %(scope)s
from staged
on conflict (organization_id, external_id) do update set
    entity_type = excluded.entity_type, sub_type = excluded.sub_type, name = excluded.name, region = excluded.region,
    attributes = excluded.attributes, tags = excluded.tags, key = excluded.key, content = excluded.content,
    provider = excluded.provider, account = excluded.account, scope_id = excluded.scope_id,
    is_active = true, deleted_at = null, changed_at = now()
where e.content <> excluded.content or not e.is_active or e.scope_id <> excluded.scope_id
returning xmax = 0

-- What is said to be linked only in part keeps what it had; but it has one parent.
-- name: unlink
delete from dependencies d
using entities e
where d.source_id = e.id and e.scope_id = %(scope)s and e.key = any(%(keys)s) and e.is_active
  and (d.dependency_type = 'parent' or e.key <> all(%(partial)s))
  and not exists (
      select from staged_links l
      where l.key = e.key and l.dependency_type = d.dependency_type and l.target = d.target_external_id)

-- name: link
insert into dependencies (source_id, target_id, target_external_id, dependency_type)
select e.id,
       (select t.id from entities t
        where t.external_id = l.target and t.organization_id = any(%(organizations)s)
        order by t.is_active desc limit 1),
       l.target, l.dependency_type
from staged_links l
join entities e on e.scope_id = %(scope)s and e.key = l.key and e.is_active
on conflict do nothing

-- name: resolve_links
update dependencies d set target_id = t.id
from entities e, entities t
where d.target_id is null and e.id = d.source_id and e.organization_id = any(%(organizations)s)
  and t.external_id = d.target_external_id and t.organization_id = any(%(organizations)s)

-- name: resolve_parents
update entities e set parent_id = d.target_id
from dependencies d
where d.source_id = e.id and d.dependency_type = 'parent' and e.organization_id = any(%(organizations)s)
  and d.target_id is not null and e.parent_id is distinct from d.target_id

-- name: tombstone
with gone as (
    update entities set is_active = false, deleted_at = now(), changed_at = now()
    where scope_id = %(scope)s and key = any(%(keys)s) and is_active
    returning id
), recorded as (
    insert into entity_changes (entity_id, run_id, operation) select id, %(run)s, 'deleted' from gone
)
select count(*) from gone

-- name: hold
insert into elder_worker.held (run_id, scope_id, entity_id)
select %(run)s, scope_id, id from entities where scope_id = %(scope)s and key = any(%(keys)s) and is_active
on conflict (scope_id, entity_id) do update set run_id = excluded.run_id

-- name: unhold
delete from elder_worker.held h using entities e
where h.scope_id = %(scope)s and e.id = h.entity_id and e.key = any(%(keys)s)

-- name: held_keys
select e.key from elder_worker.held h join entities e on e.id = h.entity_id where h.scope_id = %(scope)s

-- A claim skips a job that is locked.
-- name: lock_job_of
select exists (select from elder_worker.claims c where c.job_id = j.id and c.owner is not null)
from discovery_jobs j join discovery_history h on h.job_id = j.id where h.id = %(run)s for update of j

-- Only what is still gone: an entity that was seen again since is not held any more.
-- name: release_held
with held as (
    delete from elder_worker.held
    where run_id = %(run)s or scope_id in (select id from elder_worker.scopes where owner = %(owner)s)
    returning entity_id
), gone as (
    update entities set is_active = false, deleted_at = now(), changed_at = now()
    where id in (select entity_id from held) and is_active
    returning id
), recorded as (
    insert into entity_changes (entity_id, run_id, operation) select id, %(run)s, 'deleted' from gone
)
select count(*) from gone
