-- name: namesake
-- Returns the organization of a name, in any case of letters, beside another one: under the same parent.
select id from organizations
where lower(name) = lower(%(name)s) and parent_id is not distinct from %(parent)s::bigint and id is distinct from %(besides)s::bigint
limit 1

-- name: lies_below
-- Tells whether one organization is another one or lies below it.
with recursive above as (
    select id, parent_id from organizations where id = %(below)s
    union
    select o.id, o.parent_id from organizations o join above a on o.id = a.parent_id
)
select exists (select from above where id = %(above)s)

-- name: contents_of_organization
-- Counts what belongs to an organization: active and deleted entities, organizations directly below it, jobs.
select (select count(*) from entities where organization_id = %(organization)s and is_active) as entities,
       (select count(*) from entities where organization_id = %(organization)s and not is_active) as deleted,
       (select count(*) from organizations where parent_id = %(organization)s) as organizations,
       (select count(*) from discovery_jobs where organization_id = %(organization)s and deleted_at is null) as jobs

-- name: jobs_running_into
-- Returns a running job that stores into an organization, if there is one.
select j.id from discovery_jobs j
join elder_worker.claims c on c.job_id = j.id and c.owner is not null
where j.organization_id = %(organization)s
   or (j.organization_id is null and exists (select from organizations where id = %(organization)s and owner is not null))
limit 1

-- name: entities_in_both
-- Returns an entity that two organizations both have, if there is one, and how many there are.
select min(a.external_id), count(*)
from entities a join entities b on b.external_id = a.external_id and b.organization_id = %(into)s
where a.organization_id = %(organization)s

-- name: organizations_in_both
-- Returns the name of an organization that lies directly below both of two others, if there is one.
select a.name from organizations a
join organizations b on lower(b.name) = lower(a.name) and b.parent_id = %(into)s and b.id <> %(organization)s
where a.parent_id = %(organization)s and a.id <> %(into)s
limit 1

-- name: move_contents
-- Gives entities, jobs and organizations of one organization to another; returns how many of each.
with entities_moved as (
    update entities set organization_id = %(into)s where organization_id = %(organization)s returning id
), jobs_moved as (
    update discovery_jobs set organization_id = %(into)s where organization_id = %(organization)s returning id
), organizations_moved as (
    update organizations set parent_id = %(into)s, updated_at = now() where parent_id = %(organization)s and id <> %(into)s returning id
)
select (select count(*) from entities_moved) as entities, (select count(*) from jobs_moved) as jobs,
       (select count(*) from organizations_moved) as organizations
