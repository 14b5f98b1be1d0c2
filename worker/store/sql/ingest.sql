-- name: stage
-- Creates the table that takes new and changed resources of one batch.
create temporary table if not exists staged (
    organization_id bigint, external_id text, entity_type text, sub_type text, name text, region text,
    attributes jsonb, tags jsonb, key bigint, content bigint
) on commit delete rows

-- name: write_ahead
-- Lets the server confirm this transaction before it is on the disk, and gives it memory for the rows that one statement inserts.
select set_config('synchronous_commit', 'off', true), set_config('work_mem', '16MB', true)

-- name: move
-- Moves entities whose organization has changed; the row stays, because its identity is the vendor's id.
update entities e set organization_id = s.organization_id
from staged s
where e.scope_id = %(scope)s and e.key = s.key and e.is_active and e.organization_id <> s.organization_id
  and not exists (select from entities x where x.organization_id = s.organization_id and x.external_id = s.external_id)

-- name: sight
-- Takes resources out of the batch that another scope's entity stands for, and records that they were seen here too. An owner whose plan
-- no longer contains it, that has not been complete for a week, or that holds the entity's deletion back, yields, but not while a run reads
-- its scope: that compares with what the scope had when it began, and would not record that it saw what it has lost meanwhile.
with others as (
    select s.key, s.content, e.id
    from staged s
    join entities e on e.organization_id = s.organization_id and e.external_id = s.external_id
    join elder_worker.scopes o on o.id = e.scope_id
    where e.is_active and e.scope_id <> %(scope)s
      and ((o.state = 'current' and coalesce(o.last_complete_at, o.created_at) > now() - interval '7 days'
            and not exists (select from elder_worker.held h where h.scope_id = o.id and h.entity_id = e.id))
        or exists (select from discovery_history r
                   where r.id = o.last_run and r.status = 'running' and o.owner = 'job:' || r.job_id
                     and not exists (select from run_scopes ended where ended.run_id = r.id and ended.scope_id = o.id)))
), recorded as (
    insert into elder_worker.sightings (scope_id, key, content, entity_id) select %(scope)s, key, content, id from others
    on conflict (scope_id, key) do update set content = excluded.content, entity_id = excluded.entity_id
)
delete from staged s using others where s.key = others.key

-- name: own
-- Removes sightings of entities that are about to become this scope's own.
delete from elder_worker.sightings g using staged s where g.scope_id = %(scope)s and g.key = s.key

-- name: keep_unreadable
-- Gives staged resources the stored values of the attributes that they list as unreadable, and with 'tags', the stored tags and name.
update staged s
set name = case when s.attributes -> 'Unreadable' ? 'tags' then e.name else s.name end,
    tags = case when s.attributes -> 'Unreadable' ? 'tags' then e.tags || s.tags else s.tags end,
    attributes = s.attributes || coalesce((
    select jsonb_object_agg(unreadable.key, e.attributes -> unreadable.key)
    from jsonb_array_elements_text(s.attributes -> 'Unreadable') as unreadable (key)
    where e.attributes ? unreadable.key and unreadable.key <> 'Unreadable'
), '{}')
from entities e
where jsonb_typeof(s.attributes -> 'Unreadable') = 'array'
  and e.organization_id = s.organization_id and e.external_id = s.external_id

-- name: record_changes
-- Records what a merge is about to change, field by field; returns the entities. What could not be read is not a change. A restored entity gets an
-- entry even when nothing else changed. After another version of the catalogue, what the catalogue decides is not a change: which fields there
-- are, their order, the names of types, and what is a secret.
insert into entity_changes (entity_id, run_id, operation, changes)
select e.id, %(run)s, case when e.is_active then 'updated' else 'restored' end, d.changes
from staged s
join entities e on e.organization_id = s.organization_id and e.external_id = s.external_id
cross join lateral (
    select coalesce(jsonb_object_agg(path, jsonb_build_array(old, new)), '{}') as changes
    from (
        select 'attributes.' || coalesce(o.key, n.key) as path, o.value as old, n.value as new
        from jsonb_each(e.attributes) o full join jsonb_each(s.attributes) n on o.key = n.key
        where o.value is distinct from n.value and coalesce(o.key, n.key) <> 'Unreadable'
          and (%(same_catalogue)s or not elder_worker.same_value(o.value, n.value))
        union all
        select 'tags.' || coalesce(o.key, n.key), o.value, n.value
        from jsonb_each(e.tags) o full join jsonb_each(s.tags) n on o.key = n.key
        where o.value is distinct from n.value
          and (%(same_catalogue)s or o.value is null or n.value is null or not elder_worker.same_value(o.value, n.value))
        union all
        select path, to_jsonb(old), to_jsonb(new)
        from (values ('name', e.name, s.name), ('region', e.region, s.region),
                     ('entity_type', e.entity_type, s.entity_type), ('sub_type', e.sub_type, s.sub_type)) as v (path, old, new)
        where old is distinct from new and (%(same_catalogue)s or path in ('name', 'region'))
    ) as fields
) as d
where (e.content <> s.content and d.changes <> '{}') or not e.is_active
returning entity_id

-- name: merge
-- Inserts or updates the staged entities; returns each written row with whether it was inserted and whether it has changed. A row in which
-- only the list of unreadable attributes differs has not changed, nor has one after another version of the catalogue of which no change was
-- recorded.
insert into entities as e (organization_id, external_id, entity_type, sub_type, name, region, attributes, tags, key, content,
                           provider, account, scope_id)
select organization_id, external_id, entity_type, sub_type, name, region, attributes, tags, key, content,
       %(provider)s, %(account)s, %(scope)s
from staged
on conflict (organization_id, external_id) do update set
    entity_type = excluded.entity_type, sub_type = excluded.sub_type, name = excluded.name, region = excluded.region,
    attributes = excluded.attributes, tags = excluded.tags, key = excluded.key, content = excluded.content,
    provider = excluded.provider, account = excluded.account, scope_id = excluded.scope_id,
    is_active = true, deleted_at = null,
    changed_at = case
        when not %(same_catalogue)s and e.is_active and not (e.id = any(%(recorded)s::bigint[])) then e.changed_at
        when (e.attributes -> 'Unreadable') is distinct from (excluded.attributes -> 'Unreadable')
            and (e.attributes - 'Unreadable', e.tags, e.entity_type, e.sub_type, e.name, e.region, e.is_active, e.scope_id) is not distinct from
                (excluded.attributes - 'Unreadable', excluded.tags, excluded.entity_type, excluded.sub_type, excluded.name, excluded.region,
                 true, excluded.scope_id)
        then e.changed_at
        else now()
    end
where e.content <> excluded.content or not e.is_active or e.scope_id <> excluded.scope_id
returning id, xmax = 0, changed_at = now()
