-- name: dependencies_of
-- Returns what an entity depends on. Of targets that do not belong to the organization `within` or one below it, nothing but the link itself.
select d.dependency_type, d.target_external_id, t.id as target_id, t.name as target_name, t.sub_type as target_sub_type
from dependencies d
left join entities t on t.id = d.target_id and (%(within)s::bigint is null or t.organization_id in (
    with recursive below as (
        select %(within)s::bigint as id union select o.id from organizations o join below b on o.parent_id = b.id
    )
    select id from below
))
where d.source_id = %(entity)s
order by d.dependency_type, d.id limit 500

-- name: dependents_of
-- Returns what depends on an entity, of the organization `within` and those below it alone unless it is null.
select d.dependency_type, s.id as source_id, s.external_id as source_external_id, s.name as source_name,
       s.sub_type as source_sub_type
from dependencies d join entities s on s.id = d.source_id
where d.target_id = %(entity)s and (%(within)s::bigint is null or s.organization_id in (
    with recursive below as (
        select %(within)s::bigint as id union select o.id from organizations o join below b on o.parent_id = b.id
    )
    select id from below
))
order by d.dependency_type, d.id limit 500

-- name: entity_types
-- Counts active entities of each type, and how many were first seen within a day, by what each statement has added to the counts.
select entity_type, sub_type, provider, sum(entities)::bigint as entities,
       coalesce(sum(entities) filter (where first_seen_at > now() - interval '1 day'), 0)::bigint as fresh
from elder_worker.entity_counts
group by 1, 2, 3 having sum(entities) > 0
order by 4 desc, 2

-- name: count_of_kinds
-- Counts active entities of a category, a type and a provider, or of all for null, by what each statement has added to the counts.
select coalesce(sum(entities), 0)::bigint
from elder_worker.entity_counts
where (%(entity_type)s::text is null or entity_type = %(entity_type)s)
  and (%(sub_type)s::text is null or sub_type = %(sub_type)s)
  and (%(provider)s::text is null or provider = %(provider)s)

-- name: organizations_named
-- Returns the ids of the organizations of a name, in any case of letters, and of all below them; those that are `within` or lie below it
-- alone unless it is null, and so nobody learns the names of those above.
with recursive inside as (
    select %(within)s::bigint as id union select o.id from organizations o join inside i on o.parent_id = i.id
), below as (
    select id from organizations where lower(name) = lower(%(name)s) and (%(within)s::bigint is null or id in (select id from inside))
    union
    select o.id from organizations o join below b on o.parent_id = b.id
)
select id from below

-- name: links_from
-- Returns links of entities to what they depend on, of each entity some; first what has the most links itself.
with near as (
    select d.source_id as near_id, d.dependency_type, d.target_id as far_id, d.target_external_id as far_external_id
    from unnest(%(ids)s::bigint[]) as given (id)
    cross join lateral (
        select * from dependencies
        where source_id = given.id and (%(types)s::text[] is null or dependency_type = any(%(types)s)) limit %(each)s
    ) d
)
select near.*, e.name as far_name, e.sub_type as far_sub_type, counted.links
from near
left join entities e on e.id = near.far_id
cross join lateral (
    select count(*) as links from (
        (select from dependencies where source_id = near.far_id limit 100)
        union all (select from dependencies where target_id = near.far_id limit 100)
    ) as found
) as counted
order by counted.links desc, near.dependency_type, near.far_id, near.far_external_id

-- name: links_to
-- Returns links to entities from what depends on them, of each entity some; first what has the most links itself.
with near as (
    select d.target_id as near_id, d.dependency_type, d.source_id as far_id
    from unnest(%(ids)s::bigint[]) as given (id)
    cross join lateral (
        select * from dependencies
        where target_id = given.id and (%(types)s::text[] is null or dependency_type = any(%(types)s)) limit %(each)s
    ) d
)
select near.*, e.external_id as far_external_id, e.name as far_name, e.sub_type as far_sub_type, counted.links
from near
join entities e on e.id = near.far_id
cross join lateral (
    select count(*) as links from (
        (select from dependencies where source_id = near.far_id limit 100)
        union all (select from dependencies where target_id = near.far_id limit 100)
    ) as found
) as counted
order by counted.links desc, near.dependency_type, near.far_id

-- name: link_types_of
-- Counts the links of an entity by type, in both directions, up to a number in each.
select dependency_type, count(*) as links from (
    (select dependency_type from dependencies where source_id = %(id)s limit %(each)s)
    union all (select dependency_type from dependencies where target_id = %(id)s limit %(each)s)
) as found
group by 1 order by 2 desc, 1

-- name: access_steps
-- Returns one step from entities: by links of some types to their targets, by links of others to their sources; of each entity some.
-- `member_of` counts where its source can be a member.
select step.* from unnest(%(ids)s::bigint[]) as given (id)
cross join lateral (
    (
        select given.id as near_id, e.id, e.name, e.external_id, e.entity_type, e.sub_type
        from dependencies d join entities e on e.id = d.target_id and e.is_active
        where d.source_id = given.id and d.dependency_type = any(%(to_targets)s)
          and (d.dependency_type <> 'member_of' or (select near.entity_type from entities near where near.id = given.id) = any(%(members)s))
        limit %(each)s
    ) union all (
        select given.id, e.id, e.name, e.external_id, e.entity_type, e.sub_type
        from dependencies d join entities e on e.id = d.source_id and e.is_active
        where d.target_id = given.id and d.dependency_type = any(%(to_sources)s)
          and (d.dependency_type <> 'member_of' or e.entity_type = any(%(members)s))
        limit %(each)s
    )
) as step
order by step.near_id, step.name, step.id

-- name: facet_counts
-- Counts entities by provider, by type and by organization.
select grouping(provider, sub_type, organization_id) as facet, coalesce(provider, sub_type, organization_id::text) as value, count(*) as entities
from entities where id = any(%s)
group by grouping sets ((provider), (sub_type), (organization_id))
order by 3 desc, 2

-- name: facet_statistics
-- Returns the most common providers, types and organizations with their share of all entities, as PostgreSQL's statistics have them.
select s.attname as facet, common.value, common.share
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_stats s on s.schemaname = n.nspname and s.tablename = c.relname and not s.inherited
cross join lateral unnest(s.most_common_vals::text::text[], s.most_common_freqs) as common (value, share)
where c.oid = 'entities'::regclass and s.attname in ('provider', 'sub_type', 'organization_id')
order by common.share desc, common.value

-- name: entity_kinds
-- Returns each type once, with the category and the provider of its first entity: a look at the index for each.
with recursive kinds as (
    (select sub_type, entity_type, provider from entities order by sub_type, id limit 1)
    union all
    select following.* from kinds k
    cross join lateral (
        select e.sub_type, e.entity_type, e.provider from entities e where e.sub_type > k.sub_type order by e.sub_type, e.id limit 1
    ) as following
)
select * from kinds
