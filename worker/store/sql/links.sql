-- name: stage_links
-- Creates the table that takes the links of one batch.
create temporary table if not exists staged_links (key bigint, dependency_type text, target text) on commit delete rows

-- name: link
-- Inserts the staged links; a target that is not known yet stays null. `offset 0` has each entity looked up by its key: for a scope that is newer
-- than the table's statistics PostgreSQL expects one entity, and would read all of the scope for each batch.
insert into dependencies (source_id, target_id, target_external_id, dependency_type)
select e.id,
       (select t.id from entities t
        where t.external_id = l.target and t.organization_id = any(%(organizations)s)
        order by t.is_active desc limit 1),
       l.target, l.dependency_type
from staged_links l
cross join lateral (select id from entities where scope_id = %(scope)s and key = l.key and is_active offset 0) e
on conflict do nothing

-- name: resolve_links
-- Sets the targets that have become known. `offset 0` has the entities of each link looked up one by one: for an organization that is newer than
-- the tables' statistics PostgreSQL expects one entity and one link, and would compare all links with all entities.
with found as (
    select d.id, (
        select t.id from entities t
        where t.external_id = d.target_external_id and t.organization_id = any(%(organizations)s)
        order by t.is_active desc limit 1) as target_id
    from dependencies d
    cross join lateral (select organization_id from entities where id = d.source_id offset 0) e
    where d.target_id is null and e.organization_id = any(%(organizations)s)
    offset 0
)
update dependencies d set target_id = found.target_id from found where d.id = found.id and found.target_id is not null

-- name: resolve_parents
-- Sets the parent of each entity whose parent has become known.
update entities e set parent_id = d.target_id
from dependencies d
where d.source_id = e.id and d.dependency_type = 'parent' and e.organization_id = any(%(organizations)s)
  and d.target_id is not null and e.parent_id is distinct from d.target_id
