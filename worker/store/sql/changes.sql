-- name: highest_entity_id
-- Returns the highest id that is visible; what this transaction copies afterwards has higher ones.
select coalesce(max(id), 0) from entities

-- name: add_created
-- Records that the entities which this transaction copied were created by a run.
insert into elder_worker.created (run_id, first_id, last_id, entities)
values (%(run)s, %(above)s + 1, (select max(id) from entities), %(entities)s)

-- name: record_created
-- Records entities that a merge has created.
insert into entity_changes (entity_id, run_id, operation)
select id, %(run)s, 'created' from unnest(%(ids)s::bigint[]) as id

-- name: page_of_changes
-- Returns changes, the latest first, as far as the end of a page. Those by which entities were created have the entity's id, negative.
with recorded as (
    select c.id, c.entity_id, c.run_id, c.operation, c.changes, c.changed_at
    from entity_changes c
    where (%(entity_id)s::bigint is null or c.entity_id = %(entity_id)s)
      and (%(run_id)s::bigint is null or c.run_id = %(run_id)s)
      and (%(operation)s::text is null or c.operation = %(operation)s)
    order by c.changed_at desc, c.id desc
    limit %(end)s
), latest as (
    select * from elder_worker.created r
    where (%(entity_id)s::bigint is null or %(entity_id)s between r.first_id and r.last_id)
      and (%(run_id)s::bigint is null or r.run_id = %(run_id)s)
      and coalesce(%(operation)s, 'created') = 'created'
    order by r.created_at desc
    limit %(end)s
), counted as (
    select *, sum(entities) over (order by created_at desc, first_id) - entities as before from latest
), created as (
    select -e.id as id, e.id as entity_id, r.run_id, 'created' as operation, '{}'::jsonb as changes, r.created_at as changed_at
    from counted r
    cross join lateral (
        select e.id from entities e
        where e.id between r.first_id and r.last_id and e.first_seen_at = r.created_at
          and (%(entity_id)s::bigint is null or e.id = %(entity_id)s)
        order by e.id
        limit %(end)s
    ) as e
    where %(entity_id)s::bigint is not null or r.before < %(end)s
)
select c.*, e.name, e.sub_type, e.external_id
from (
    select * from (select * from recorded union all select * from created) as both_kinds
    order by changed_at desc, id desc
    limit %(size)s offset %(offset)s
) as c
join entities e on e.id = c.entity_id
order by c.changed_at desc, c.id desc

-- name: count_changes
-- Counts changes.
select (
    select count(*) from entity_changes c
    where (%(entity_id)s::bigint is null or c.entity_id = %(entity_id)s)
      and (%(run_id)s::bigint is null or c.run_id = %(run_id)s)
      and (%(operation)s::text is null or c.operation = %(operation)s)
) + case
    when coalesce(%(operation)s, 'created') <> 'created' then 0
    when %(entity_id)s::bigint is null then (
        select coalesce(sum(r.entities), 0) from elder_worker.created r where %(run_id)s::bigint is null or r.run_id = %(run_id)s)
    else (
        select count(*) from elder_worker.created r
        join entities e on e.id = %(entity_id)s and e.id between r.first_id and r.last_id and e.first_seen_at = r.created_at
        where %(run_id)s::bigint is null or r.run_id = %(run_id)s)
end
