-- name: take_pending
-- Takes ranges of ids that are pending, so many entities at most unless one range has more. Others may do the same at once.
with locked as (
    select ctid as place, first_id, last_id from elder_worker.search_pending limit %(ranges)s for update skip locked
), counted as (
    select *, sum(last_id - first_id + 1) over (order by first_id, place) - (last_id - first_id + 1) as before from locked
), taken as (
    delete from elder_worker.search_pending p using counted c where p.ctid = c.place and c.before < %(entities)s
    returning p.first_id, p.last_id
)
select first_id, last_id from taken

-- name: entities_of_ranges
-- Returns what signatures are made of, for all entities of ranges of ids.
select e.id, e.name, e.external_id, e.attributes::text
from unnest(%s::bigint[], %s::bigint[]) as r (first_id, last_id)
cross join lateral (select * from entities where id between r.first_id and r.last_id offset 0) as e

-- name: add_to_signatures
-- Adds bits to the signatures of blocks, in the order in which they come.
insert into elder_worker.search_blocks as b (block, names, ids, repeats, attributes, additions)
select * from unnest(
    %(blocks)s::bigint[], %(names)s::bit(2048)[], %(ids)s::bit(2048)[], %(repeats)s::bit(128)[], %(attributes)s::bit(8192)[],
    %(entities)s::integer[])
on conflict (block) do update set
    names = b.names | excluded.names, ids = b.ids | excluded.ids, attributes = b.attributes | excluded.attributes,
    repeats = b.repeats | excluded.repeats, repeats_made = coalesce(b.repeats_made, 0) + 1,
    additions = b.additions + excluded.additions

-- name: lock_worn_signatures
-- Locks signatures to which many entities were added, so that they have bits of much that is there no longer, and those that a release without `repeats`
-- made; so many at most. The entities are read after that: what is pending then is added later.
select block from elder_worker.search_blocks where additions > 128 or repeats is null limit %(limit)s for update skip locked

-- name: replace_signatures
-- Replaces the signatures of blocks.
update elder_worker.search_blocks b
set names = n.names, ids = n.ids, repeats = n.repeats, repeats_made = coalesce(b.repeats_made, 0) + 1, attributes = n.attributes,
    additions = n.entities
from unnest(%(blocks)s::bigint[], %(names)s::bit(2048)[], %(ids)s::bit(2048)[], %(repeats)s::bit(128)[], %(attributes)s::bit(8192)[],
            %(entities)s::integer[])
    as n (block, names, ids, repeats, attributes, entities)
where b.block = n.block
