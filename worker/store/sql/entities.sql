-- name: dependencies_of
-- Returns what an entity depends on.
select d.dependency_type, d.target_external_id, d.target_id, t.name as target_name, t.sub_type as target_sub_type
from dependencies d left join entities t on t.id = d.target_id
where d.source_id = %s
order by d.dependency_type, d.id limit 500

-- name: dependents_of
-- Returns what depends on an entity.
select d.dependency_type, s.id as source_id, s.external_id as source_external_id, s.name as source_name,
       s.sub_type as source_sub_type
from dependencies d join entities s on s.id = d.source_id
where d.target_id = %s
order by d.dependency_type, d.id limit 500

-- name: entity_types
-- Counts active entities of each type, and how many were first seen within a day.
select entity_type, sub_type, provider, count(*) as entities,
       count(*) filter (where first_seen_at > now() - interval '1 day') as fresh
from entities where is_active
group by 1, 2, 3 order by 4 desc, 2

-- name: organizations_named
-- Returns the ids of the organizations of a name, in any case of letters, and of all below them.
with recursive below as (
    select id from organizations where lower(name) = lower(%s)
    union
    select o.id from organizations o join below b on o.parent_id = b.id
)
select id from below
