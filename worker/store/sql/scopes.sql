-- name: find_scope
-- Returns a scope's row.
select id from elder_worker.scopes
where (owner, provider, account, region, resource_type, coverage) = (%s, %s, %s, %s, %s, %s)

-- name: add_scope
-- Creates a scope's row.
insert into elder_worker.scopes (owner, provider, account, region, resource_type, coverage)
values (%s, %s, %s, %s, %s, %s)
on conflict do nothing

-- name: adopt_scope
-- Gives a scope that waits for its account (migration 0016) the account of the first scope that its owner reads of the same type, and its
-- entities too; returns the row.
with adopted as (
    update elder_worker.scopes set account = %(account)s, account_open = false
    where owner = %(owner)s and account_open
      and (provider, region, resource_type, coverage) = (%(provider)s, %(region)s, %(resource_type)s, %(coverage)s)
    returning id
), moved as (
    update entities e set account = %(account)s from adopted a where e.scope_id = a.id
)
select id from adopted

-- name: begin_scope
-- Records the attempt to read a scope, whose row is created when it is missing; returns the row, with which version of the
-- catalogue all of it was read, and whether its marks are valid: written by its last run, and nobody has touched the scope since.
with before as (
    select marks_run = last_run as marked from elder_worker.scopes
    where (owner, provider, account, region, resource_type, coverage)
        = (%(owner)s, %(provider)s, %(account)s, %(region)s, %(resource_type)s, %(coverage)s)
)
insert into elder_worker.scopes as s (owner, provider, account, region, resource_type, coverage, last_attempt_at, last_run, marks_reading)
values (%(owner)s, %(provider)s, %(account)s, %(region)s, %(resource_type)s, %(coverage)s, now(), %(run)s, %(run)s)
on conflict (owner, provider, account, region, resource_type, coverage) do update set
    last_attempt_at = now(), last_run = excluded.last_run, state = 'current', marks_run = null, marks_reading = excluded.last_run,
    state_since = case when s.state = 'current' then s.state_since else now() end
returning id, catalogue_version, coalesce((select marked from before), false)

-- name: end_scope
-- Records how the reading of a scope ended; when complete, also with how many active entities and which version of the catalogue, and, unless
-- resources were refused, that it was read in full.
update elder_worker.scopes
set last_outcome = %(outcome)s, message = %(message)s, permission = %(permission)s,
    last_complete_at = case when %(in_full)s then now() else last_complete_at end,
    catalogue_version = case when %(complete)s then %(version)s else catalogue_version end,
    entities = case
        when %(changed)s then (select count(*) from entities where scope_id = %(scope)s and is_active)
        else entities
    end
where id = %(scope)s

-- name: add_scopes
-- Creates the rows of scopes that were planned.
insert into elder_worker.scopes (owner, provider, account, region, resource_type, coverage)
select %(owner)s, p.* from unnest(%(providers)s::text[], %(accounts)s::text[], %(regions)s::text[], %(types)s::text[], %(coverages)s::text[]) p
on conflict do nothing

-- name: add_not_reached
-- Adds a line to a run's ledger for each scope that was planned and not begun.
insert into run_scopes (run_id, scope_id, provider, account, region, resource_type, coverage, outcome, message)
select %(run)s, s.id, s.provider, s.account, s.region, s.resource_type, s.coverage, 'not_reached', %(message)s
from unnest(%(providers)s::text[], %(accounts)s::text[], %(regions)s::text[], %(types)s::text[], %(coverages)s::text[])
         as p (provider, account, region, resource_type, coverage)
join elder_worker.scopes s using (provider, account, region, resource_type, coverage)
where s.owner = %(owner)s
on conflict (run_id, scope_id) do nothing

-- name: attempted_scopes
-- Returns the scopes that a job has attempted, the oldest attempt first; of very many, the latest.
select provider, account, region, resource_type, coverage
from (
    select * from elder_worker.scopes
    where owner = %(owner)s and last_attempt_at is not null and state <> 'retired'
    order by last_attempt_at desc, id desc limit %(limit)s
) as latest
order by last_attempt_at, id

-- name: abandon_scopes
-- Marks the scopes that a whole plan no longer contains; returns their rows. What is below a scope that could not be listed is unknown,
-- not left out.
update elder_worker.scopes s set state = 'abandoned', state_since = now()
where s.owner = %(owner)s and s.state = 'current' and s.last_run is distinct from %(run)s
  and not exists (
      select from run_scopes r
      where r.run_id = %(run)s and r.resource_type = '*' and r.provider = s.provider and r.account = s.account
        and r.region in ('', s.region))
returning s.id

-- name: scopes_being_synced
-- Returns the scopes that a sync of a connector has begun and not ended, the longest read first.
select s.account, s.region, s.resource_type, s.coverage, s.last_attempt_at as since
from elder_worker.scopes s
where s.owner = %(owner)s and s.last_run = %(run)s
  and not exists (select from connector_scopes r where r.run_id = %(run)s and r.scope_id = s.id)
order by s.last_attempt_at, s.id
limit %(limit)s

-- name: scopes_being_read
-- Returns the scopes that a run has begun and not ended, the longest read first.
select s.account, s.region, s.resource_type, s.coverage, s.last_attempt_at as since
from elder_worker.scopes s
where s.owner = %(owner)s and s.last_run = %(run)s
  and not exists (select from run_scopes r where r.run_id = %(run)s and r.scope_id = s.id)
order by s.last_attempt_at, s.id
limit %(limit)s

-- name: fingerprints
-- Returns key and content of what a scope has seen, its own active entities and its sightings, in pieces of a megabyte.
select string_agg(int8send(key) || int8send(content), '' order by key)
from (
    select key, content, (row_number() over (order by key) - 1) / 65536 as part
    from (
        select key, content from entities where scope_id = %(scope)s and is_active
        union all
        select key, content from elder_worker.sightings where scope_id = %(scope)s
    ) as known
) as numbered
group by part order by part

-- name: put_organization
-- Inserts or renames an organization; returns nothing when it is unchanged.
insert into organizations (owner, external_id, name, parent_id) values (%s, %s, %s, %s)
on conflict (owner, external_id) do update set name = excluded.name, parent_id = excluded.parent_id, updated_at = now()
where (organizations.name, organizations.parent_id) is distinct from (excluded.name, excluded.parent_id)
returning id

-- name: count_scopes
-- Counts the active entities of scopes anew.
update elder_worker.scopes s set entities = (select count(*) from entities e where e.scope_id = s.id and e.is_active)
where s.id = any(%(scopes)s)

-- name: lock_abandoned
-- Locks the abandoned scopes that fit the filters; returns their rows.
select id from elder_worker.scopes
where state = 'abandoned'
  and (%(provider)s::text is null or provider = %(provider)s)
  and (%(account)s::text is null or account = %(account)s)
  and (%(region)s::text is null or region = %(region)s)
  and (%(resource_type)s::text is null or resource_type = %(resource_type)s)
  and (%(owner)s::text is null or owner = %(owner)s)
order by id for update

-- name: lock_long_abandoned
-- Locks scopes that were abandoned some days ago, the longest ago first, so many at most.
select id from elder_worker.scopes
where state = 'abandoned' and state_since < now() - make_interval(days => %(days)s)
order by state_since, id limit %(limit)s
for update skip locked

-- name: losses_by_retiring
-- Returns by type how many active entities of scopes are marked as deleted when these are retired, and how many a current scope sees still.
select sub_type, count(*) filter (where not seen) as deleted, count(*) filter (where seen) as kept
from (
    select e.sub_type, exists (
        select from elder_worker.sightings g join elder_worker.scopes h on h.id = g.scope_id where g.entity_id = e.id and h.state = 'current'
    ) as seen
    from entities e where e.scope_id = any(%(scopes)s) and e.is_active
) as owned
group by sub_type order by sub_type

-- name: retire_scope
-- Retires a scope and marks its entities as deleted; returns how many.
with retired as (
    update elder_worker.scopes set state = 'retired', state_since = now() where id = %(scope)s
), forgotten as (
    delete from elder_worker.sightings where scope_id = %(scope)s
), unmarked as (
    delete from elder_worker.batch_marks where scope_id = %(scope)s
), gone as (
    update entities set is_active = false, deleted_at = now(), changed_at = now() where scope_id = %(scope)s and is_active
    returning id
), recorded as (
    insert into entity_changes (entity_id, operation) select id, 'deleted' from gone
)
select count(*) from gone

-- name: retire_gone
-- Retires a scope of which nothing is active or held back.
update elder_worker.scopes s set state = 'retired', state_since = now()
where s.id = %(scope)s
  and not exists (select from entities e where e.scope_id = s.id and e.is_active)
  and not exists (select from elder_worker.held h where h.scope_id = s.id)

-- name: abandon_owner
-- Abandons all scopes of an owner.
update elder_worker.scopes set state = 'abandoned', state_since = now() where owner = %(owner)s and state = 'current'

-- name: abandoned_scopes
-- Returns the abandoned scopes of owners.
select id from elder_worker.scopes where owner = any(%(owners)s) and state = 'abandoned'

-- name: fingerprints_of
-- Returns key and content of those of some keys that a scope has seen, its own active entities and its sightings, sorted by key.
select key, content from entities where scope_id = %(scope)s and is_active and key = any(%(keys)s)
union all
select key, content from elder_worker.sightings where scope_id = %(scope)s and key = any(%(keys)s)
order by 1

-- name: stored_of
-- Returns key and content of those of some keys that a scope has seen, its own active entities and its sightings, and whether the entity has
-- been written since the scope's reading began.
select e.key, e.content, e.changed_at >= s.last_attempt_at
from entities e join elder_worker.scopes s on s.id = e.scope_id
where e.scope_id = %(scope)s and e.is_active and e.key = any(%(keys)s)
union all
select key, content, false from elder_worker.sightings where scope_id = %(scope)s and key = any(%(keys)s)
