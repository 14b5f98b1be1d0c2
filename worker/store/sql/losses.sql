-- name: has_losses
-- Tells whether anything waits or is held in a scope.
select exists (select from elder_worker.losses where scope_id = %(scope)s)

-- name: forget_returned_attributes
-- Forgets losses of attributes that staged resources have again.
delete from elder_worker.losses l
using staged s, entities e
where l.entity_id = e.id and l.kind = 'attribute'
  and e.organization_id = s.organization_id and e.external_id = s.external_id
  and coalesce(s.attributes -> l.name, 'null') not in ('null', '""', '[]', '{}')

-- name: defer_attributes
-- Keeps attributes that staged resources no longer have, or have empty, and records each as a loss. After a reading with another version of the
-- catalogue, only what is held already is kept.
with lost as (
    select s.ctid as line, e.id as entity_id, old.key as name, old.value as old, s.attributes -> old.key as new
    from staged s
    join entities e on e.organization_id = s.organization_id and e.external_id = s.external_id
    cross join lateral jsonb_each(e.attributes) as old
    where e.is_active
      and old.key <> 'Unreadable' and length(old.key) <= 200
      and old.value not in ('null', '""', '[]', '{}')
      and coalesce(s.attributes -> old.key, 'null') in ('null', '""', '[]', '{}')
      and (%(same_catalogue)s or exists (
          select from elder_worker.losses l
          where l.entity_id = e.id and l.kind = 'attribute' and l.name = old.key and l.held_at is not null))
), recorded as (
    insert into elder_worker.losses (entity_id, scope_id, kind, name, value)
    select entity_id, %(scope)s, 'attribute', name, new from lost
    on conflict (entity_id, kind, name, target) do update set scope_id = excluded.scope_id, value = excluded.value
)
update staged s set attributes = s.attributes || kept.attributes
from (select line, jsonb_object_agg(name, old) as attributes from lost group by line) as kept
where s.ctid = kept.line

-- name: forget_returned_links
-- Forgets losses of links that staged resources have again.
delete from elder_worker.losses l
using staged_links s, entities e
where l.entity_id = e.id and l.kind = 'link' and l.name = s.dependency_type and l.target = s.target
  and e.scope_id = %(scope)s and e.key = s.key and e.is_active

-- name: defer_links
-- Records links that resources no longer have as losses. A link that a new one of the same type replaces is deleted at once, so that an entity
-- has one parent; so is any after a reading with another version of the catalogue. A resource with `links_partial` keeps
-- its links, and its parent unless it has another one.
with gone as (
    select d.id, d.source_id, d.dependency_type, d.target_external_id,
           row_number() over (partition by d.source_id, d.dependency_type order by d.id) as nth
    from dependencies d
    join entities e on e.id = d.source_id
    where e.scope_id = %(scope)s and e.key = any(%(keys)s) and e.is_active
      and (e.key <> all(%(partial)s)
           or d.dependency_type = 'parent' and exists (select from staged_links l where l.key = e.key and l.dependency_type = 'parent'))
      and not exists (
          select from staged_links l
          where l.key = e.key and l.dependency_type = d.dependency_type and l.target = d.target_external_id)
      and not exists (
          select from elder_worker.losses l
          where l.entity_id = d.source_id and l.kind = 'link' and l.name = d.dependency_type and l.target = d.target_external_id)
), added as (
    select e.id as source_id, l.dependency_type, count(*) as links
    from staged_links l
    join entities e on e.scope_id = %(scope)s and e.key = l.key and e.is_active
    where not exists (
        select from dependencies d
        where d.source_id = e.id and d.dependency_type = l.dependency_type and d.target_external_id = l.target)
    group by 1, 2
), weighed as (
    select g.*, g.nth <= coalesce(a.links, 0) or not %(same_catalogue)s as replaced
    from gone g left join added a using (source_id, dependency_type)
), replaced as (
    delete from dependencies d using weighed w where d.id = w.id and w.replaced
)
insert into elder_worker.losses (entity_id, scope_id, kind, name, target)
select source_id, %(scope)s, 'link', dependency_type, target_external_id from weighed where not replaced

-- name: forget_moot_losses
-- Forgets losses of entities that are gone, or that belong to another scope now.
delete from elder_worker.losses l
using entities e
where l.scope_id = %(scope)s and e.id = l.entity_id and (not e.is_active or e.scope_id <> l.scope_id)

-- name: count_losses
-- Counts what a scope would lose: kind, name, lost, how many there are, and of how many entities. Entities that are held back themselves do
-- not count; `offset 0` has each looked up by itself, as in links.sql.
with seen as (
    select e.id, e.attributes from entities e
    where e.scope_id = %(scope)s and e.is_active
      and not exists (select from elder_worker.held h where h.scope_id = %(scope)s and h.entity_id = e.id offset 0)
)
select l.kind, l.name, l.lost,
       case l.kind
           when 'link' then (
               select count(*) from dependencies d join seen on seen.id = d.source_id where d.dependency_type = l.name)
           else (
               select count(*) from seen where coalesce(seen.attributes -> l.name, 'null') not in ('null', '""', '[]', '{}'))
       end as had,
       (select count(*) from seen) as entities
from (select kind, name, count(*) as lost from elder_worker.losses where scope_id = %(scope)s group by 1, 2) as l
order by 1, 2

-- name: hold_losses
-- Holds a scope's losses of one name until a person releases them.
update elder_worker.losses set held_at = coalesce(held_at, now()), run_id = %(run)s
where scope_id = %(scope)s and kind = %(kind)s and name = %(name)s and (held_at is null or run_id is distinct from %(run)s)

-- name: apply_links
-- Deletes the links that are lost by these losses; returns how many. A release remembers them.
with lost as (
    delete from elder_worker.losses
    where kind = 'link' and scope_id = any(%(scopes)s) and (name = any(%(names)s) or (%(names)s::text[] is null and held_at is not null))
      and (%(of_run)s::bigint is null or run_id = %(of_run)s)
    returning entity_id, scope_id, name, target
), orphaned as (
    update entities e set parent_id = null from lost where e.id = lost.entity_id and lost.name = 'parent'
), deleted as (
    delete from dependencies d using lost
    where d.source_id = lost.entity_id and d.dependency_type = lost.name and d.target_external_id = lost.target
    returning d.source_id, lost.scope_id, d.dependency_type, d.target_external_id, d.target_id, d.created_at
), remembered as (
    insert into elder_worker.released (release_id, kind, entity_id, scope_id, name, target, target_id, since)
    select %(release)s::bigint, 'link', source_id, scope_id, dependency_type, target_external_id, target_id, created_at
    from deleted where %(release)s::bigint is not null
)
select count(*) from lost

-- name: apply_attributes
-- Takes the lost attributes from their entities, and records that; returns how many. A release remembers them.
with lost as (
    delete from elder_worker.losses
    where kind = 'attribute' and scope_id = any(%(scopes)s) and (name = any(%(names)s) or (%(names)s::text[] is null and held_at is not null))
      and (%(of_run)s::bigint is null or run_id = %(of_run)s)
    returning entity_id, scope_id, name, value
), changed as (
    select e.id, array_agg(l.name) as names,
           coalesce(jsonb_object_agg(l.name, l.value) filter (where l.value is not null), '{}') as emptied,
           jsonb_object_agg('attributes.' || l.name, jsonb_build_array(e.attributes -> l.name, l.value)) as changes
    from lost l join entities e on e.id = l.entity_id
    group by e.id
), recorded as (
    insert into entity_changes (entity_id, run_id, operation, changes) select id, %(run)s, 'updated', changes from changed
), remembered as (
    insert into elder_worker.released (release_id, kind, entity_id, scope_id, name, before, after)
    select %(release)s::bigint, 'attribute', l.entity_id, l.scope_id, l.name, e.attributes -> l.name, l.value
    from lost l join entities e on e.id = l.entity_id where %(release)s::bigint is not null
), applied as (
    update entities e set attributes = (e.attributes - c.names) || c.emptied, changed_at = now()
    from changed c where e.id = c.id
)
select count(*) from lost

-- name: remember_applied
-- Remembers that a scope has lost something, for a day.
with old as (
    delete from elder_worker.applied_losses where scope_id = %(scope)s and applied_at < now() - interval '24 hours'
)
insert into elder_worker.applied_losses (scope_id, kind, name, had, lost) values (%(scope)s, %(kind)s, %(name)s, %(had)s, %(lost)s)

-- name: forget_applied
-- Forgets what scopes have lost: a person has released it, and later losses are counted from there.
delete from elder_worker.applied_losses where scope_id = any(%(scopes)s)

-- name: lost_lately
-- Returns what a scope had at most within a day; of the other scopes of its account: their entities, the entities that they lost on balance,
-- and what they lost.
with this as (
    select owner, provider, account from elder_worker.scopes where id = %(scope)s
), sibling as (
    select s.id, s.entities from elder_worker.scopes s join this using (owner, provider, account)
), lately as (
    select a.scope_id, max(a.had) as had, sum(a.lost) as lost
    from elder_worker.applied_losses a join sibling on sibling.id = a.scope_id
    where a.kind = %(kind)s and a.name = %(name)s and a.applied_at >= now() - interval '24 hours'
    group by 1
)
select coalesce(max(l.had) filter (where s.id = %(scope)s), 0),
       coalesce(sum(s.entities) filter (where s.id <> %(scope)s), 0),
       coalesce(sum(greatest(l.had - s.entities, 0)) filter (where s.id <> %(scope)s), 0),
       coalesce(sum(l.lost) filter (where s.id <> %(scope)s), 0)
from sibling s left join lately l on l.scope_id = s.id

-- name: held_of
-- Returns what is held back of a run or of a connector, with names, and the connector's sync that went on when it was held back.
with found as (
    select e.id as entity_id, e.external_id, e.name as entity, e.sub_type, e.region, h.kind, h.name, h.target, h.run_id, h.held_at,
           count(*) over () as total
    from (
        select scope_id, entity_id, 'entity' as kind, '' as name, '' as target, run_id, held_at from elder_worker.held
        where run_id = %(run)s or scope_id in (select id from elder_worker.scopes where owner = %(owner)s)
        union all
        select scope_id, entity_id, kind, name, target, run_id, held_at from elder_worker.losses
        where held_at is not null and (run_id = %(run)s or scope_id in (select id from elder_worker.scopes where owner = %(owner)s))
    ) as h
    join entities e on e.id = h.entity_id
    order by h.kind, h.name, e.sub_type, e.name, e.id, h.target
    limit %(limit)s offset %(offset)s
)
select found.*,
       (select s.id from connector_history s
        where s.connector = %(connector)s and s.started_at <= found.held_at
          and (s.completed_at is null or s.completed_at >= found.held_at)
        order by s.id desc limit 1) as sync_id
from found
order by kind, name, sub_type, entity, entity_id, target

-- name: scopes_with_held
-- Returns the scopes in which a run or a connector has something held back.
select scope_id from elder_worker.held
where run_id = %(run)s or scope_id in (select id from elder_worker.scopes where owner = %(owner)s)
union
select scope_id from elder_worker.losses
where held_at is not null and (run_id = %(run)s or scope_id in (select id from elder_worker.scopes where owner = %(owner)s))

-- name: count_in_account
-- Counts the links or attributes of one name in all scopes of a scope's account, for an attribute in those of its resource type; of how many
-- entities.
with sibling as (
    select s.id from elder_worker.scopes s
    join elder_worker.scopes this on this.id = %(scope)s and (this.owner, this.provider, this.account) = (s.owner, s.provider, s.account)
    where %(kind)s = 'link' or s.resource_type = this.resource_type
), theirs as (
    select e.id, e.attributes from entities e where e.scope_id in (select id from sibling) and e.is_active
)
select case %(kind)s
           when 'link' then (
               select count(*) from dependencies d where d.source_id in (select id from theirs) and d.dependency_type = %(name)s)
           else (select count(*) from theirs where coalesce(attributes -> %(name)s, 'null') not in ('null', '""', '[]', '{}'))
       end,
       (select count(*) from theirs)
