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

-- name: recorded_of_job
-- Returns changes that runs of a job recorded, those of its newest runs first, so many at most.
select c.id
from (select id from discovery_history where job_id = %(job)s order by id desc) as r
cross join lateral (select id from entity_changes where run_id = r.id offset 0) as c
limit %(most)s

-- name: page_of_changes
-- Returns changes, the latest first, from a place on, each with how many there are; a row without a change when the page has none. Of each kind
-- no more than `most` are looked at, and all for null. Those by which entities were created have the entity's id, negative, and are read range by
-- range. `of_job` has the changes of a job that has few; of one that has many, its runs are looked up once.
with recorded as (
    select c.id, c.entity_id, c.run_id, c.operation, c.changed_at
    from entity_changes c
    where (%(entity_id)s::bigint is null or c.entity_id = %(entity_id)s)
      and (%(run_id)s::bigint is null or c.run_id = %(run_id)s)
      and (%(of_job)s::bigint[] is null or c.id = any(%(of_job)s))
      and (%(job_id)s::bigint is null or %(of_job)s::bigint[] is not null
           or c.run_id in (select id from discovery_history where job_id = %(job_id)s))
      and (%(operation)s::text is null or c.operation = %(operation)s)
      and (%(since)s::timestamptz is null or c.changed_at >= %(since)s)
      and (%(until)s::timestamptz is null or c.changed_at < %(until)s)
      and (%(fields)s::text[] is null or c.changes ?| %(fields)s)
      and (%(place_at)s::timestamptz is null or (c.changed_at, c.id) < (%(place_at)s, %(place_id)s::bigint))
      and (not %(filtered)s or exists (
          select from entities e
          where e.id = c.entity_id
            and (%(provider)s::text is null or e.provider = %(provider)s) and (%(sub_type)s::text is null or e.sub_type = %(sub_type)s)))
    order by c.changed_at desc, c.id desc
    limit %(most)s
), created as (
    select -e.id as id, e.id as entity_id, r.run_id, 'created' as operation, r.created_at as changed_at
    from elder_worker.created r
    cross join lateral (
        select e.id from entities e
        where e.id between r.first_id and r.last_id and e.first_seen_at = r.created_at
          and (%(entity_id)s::bigint is null or e.id = %(entity_id)s)
          and (%(provider)s::text is null or e.provider = %(provider)s) and (%(sub_type)s::text is null or e.sub_type = %(sub_type)s)
          and (%(place_at)s::timestamptz is null or r.created_at < %(place_at)s or e.id > -%(place_id)s::bigint)
        order by e.id
        limit %(most)s
    ) as e
    where (%(entity_id)s::bigint is null or %(entity_id)s between r.first_id and r.last_id)
      and (%(run_id)s::bigint is null or r.run_id = %(run_id)s)
      and (%(job_id)s::bigint is null or exists (select from discovery_history h where h.id = r.run_id and h.job_id = %(job_id)s))
      and coalesce(%(operation)s, 'created') = 'created' and %(fields)s::text[] is null
      and (%(since)s::timestamptz is null or r.created_at >= %(since)s)
      and (%(until)s::timestamptz is null or r.created_at < %(until)s)
      and (%(place_at)s::timestamptz is null or r.created_at <= %(place_at)s)
    order by r.created_at desc, e.id
    limit %(most)s
), found as materialized (
    select * from recorded union all select * from created
)
select counted.counted, page.*, coalesce(c.changes, '{}') as changes, e.name, e.sub_type, e.external_id, e.provider, j.id as job_id, j.name as job
from (select count(*) as counted from found) as counted
left join (select * from found order by changed_at desc, id desc limit %(size)s offset %(offset)s) as page on true
left join entities e on e.id = page.entity_id
left join entity_changes c on c.id = page.id
left join discovery_history h on h.id = page.run_id
left join discovery_jobs j on j.id = h.job_id and j.deleted_at is null
order by page.changed_at desc, page.id desc

-- name: changes_by_type
-- Counts the changes of existing entities within a day by type and operation: of the latest ones, so many at most. The entity of each is looked
-- up by its id: PostgreSQL would rather read all entities.
with latest as (
    select entity_id, operation from entity_changes
    where changed_at > now() - interval '1 day' and operation <> 'created'
    order by changed_at desc, id desc
    limit %(most)s
)
select e.provider, e.sub_type, l.operation, count(*) as changes
from latest l
cross join lateral (select provider, sub_type from entities where id = l.entity_id offset 0) as e
group by 1, 2, 3
