-- name: lock_not_compared
-- Locks runs that ended some hours ago and were not compared yet, the oldest first. Those of which something is held back, or was released and
-- can be held back again, are left out: their lines may change. Returns run, job and whether the run read what it planned.
select h.id, h.job_id, h.status in ('completed', 'partial') from discovery_history h
where h.ledger_chain is null and h.completed_at < now() - make_interval(hours => %(hours)s)
  and not exists (select from elder_worker.held k where k.run_id = h.id)
  and not exists (select from elder_worker.losses l where l.run_id = h.id)
  and not exists (select from elder_worker.releases r where r.run_id = h.id)
order by h.completed_at, h.id limit %(limit)s
for update of h skip locked

-- name: lock_chain
-- Locks the newest earlier run of a job that is in a chain, so that nobody deletes it or adds to its chain meanwhile; returns the chain.
select ledger_chain from discovery_history
where job_id = %(job)s and id < %(run)s and ledger_chain > 0
order by id desc limit 1
for no key update

-- name: add_to_chain
-- Adds a run to its job's chain, with the lines that differ, if these are at most a quarter, the chain is not long, and no later run is in it, which
-- the lines would change. Else the run begins a chain, or keeps its lines for itself. For the same trouble the source's own words (`detail`) are
-- then those of an earlier run. Returns how many lines became superfluous.
with own as (
    select * from run_scopes where run_id = %(run)s
), members as (
    select id from discovery_history where ledger_chain = %(chain)s and ledger_chain > 0 and id < %(run)s
), lines as (
    select l.* from members join elder_worker.ledger_lines l on l.run_id = members.id
), newest as (
    select distinct on (scope_id) * from lines order by scope_id, run_id desc
), same as (
    select scope_id from own join newest using (scope_id)
    where (own.provider, own.account, own.region, own.resource_type, own.coverage, own.outcome, own.resources, own.deleted, own.held_back,
           own.held_links, own.held_attributes, own.message, own.permission, own.as_of)
          is not distinct from
          (newest.provider, newest.account, newest.region, newest.resource_type, newest.coverage, newest.outcome, newest.resources,
           newest.deleted, newest.held_back, newest.held_links, newest.held_attributes, newest.message, newest.permission, newest.as_of)
), counted as (
    select (select count(*) from own) as own, (select count(*) from own) - (select count(*) from same) as different,
           (select count(*) from lines) as lines, (select count(*) from members) as members,
           (select coalesce(array_agg(scope_id), '{}') from newest where scope_id not in (select scope_id from own)) as missing
), compared as (
    select *,
           different < own and 4 * (different + cardinality(missing)) <= own and lines + different <= 2 * own and members < %(longest)s
           and not exists (select from discovery_history l where l.ledger_chain = %(chain)s and l.ledger_chain > 0 and l.id > %(run)s) as joins
    from counted
), decided as (
    select *, joins or (own > 0 and %(whole)s) as chained from compared
), moved as (
    delete from run_scopes s using decided where decided.chained and s.run_id = %(run)s
    returning s.*
), added as (
    insert into elder_worker.ledger_lines
    select moved.* from moved, decided where not decided.joins or moved.scope_id not in (select scope_id from same)
    returning 1
)
update discovery_history h
set ledger_chain = case when decided.joins then %(chain)s when decided.chained then h.id else 0 end,
    ledger_without = case when decided.joins then decided.missing else '{}' end
from decided
where h.id = %(run)s
returning (select count(*) from moved) - (select count(*) from added)

-- name: hand_on_lines
-- Gives lines of runs that are about to be deleted to the next run of their chain that stays, where it has none of the scope.
with handed as (
    select distinct on (heir.id, l.scope_id) l.ctid as place, heir.id as heir
    from discovery_history h
    join discovery_jobs j on j.id = h.job_id and j.deleted_at is null
    cross join lateral (
        select n.id from discovery_history n
        where n.ledger_chain = h.ledger_chain and n.ledger_chain > 0 and n.id > h.id and n.id <> all(%(runs)s)
        order by n.id limit 1
    ) as heir
    join elder_worker.ledger_lines l on l.run_id = h.id
    where h.id = any(%(runs)s) and h.ledger_chain > 0
      and not exists (select from elder_worker.ledger_lines o where o.run_id = heir.id and o.scope_id = l.scope_id)
    order by heir.id, l.scope_id, l.run_id desc
)
update elder_worker.ledger_lines l set run_id = handed.heir from handed where l.ctid = handed.place
