-- name: stage_links
-- Creates the table that takes the links of one batch.
create temporary table if not exists staged_links (key bigint, dependency_type text, target text) on commit delete rows

-- name: link
-- Inserts the staged links; a target that is not known yet stays null.
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
-- Sets the targets that have become known.
update dependencies d set target_id = t.id
from entities e, entities t
where d.target_id is null and e.id = d.source_id and e.organization_id = any(%(organizations)s)
  and t.external_id = d.target_external_id and t.organization_id = any(%(organizations)s)

-- name: resolve_parents
-- Sets the parent of each entity whose parent has become known.
update entities e set parent_id = d.target_id
from dependencies d
where d.source_id = e.id and d.dependency_type = 'parent' and e.organization_id = any(%(organizations)s)
  and d.target_id is not null and e.parent_id is distinct from d.target_id
