-- name: store_description
-- Stores a provider's description, or why there is none, under its name and the hash of its package's files, as the newest of the name.
insert into elder_worker.provider_descriptions (name, package_hash, description, problem) values (%s, %s, %s, %s)
on conflict (name, package_hash) do update
set description = excluded.description, problem = excluded.problem, described_at = now()

-- name: forget_descriptions
-- Deletes descriptions that no worker has brought for 90 days, but for the newest of each name.
delete from elder_worker.provider_descriptions d
where described_at < now() - interval '90 days'
  and exists (select from elder_worker.provider_descriptions n where n.name = d.name and n.described_at > d.described_at)

-- name: newest_descriptions
-- Returns the newest description of each provider's name that has one; of one name alone where it is given.
select distinct on (name) name, package_hash, description::text from elder_worker.provider_descriptions
where description is not null and (%(name)s::text is null or name = %(name)s)
order by name, described_at desc

-- name: package_problems
-- Returns each provider's name whose package could not be used by the worker that started last with it, and why.
select name, problem
from (select distinct on (name) name, problem from elder_worker.provider_descriptions order by name, described_at desc) newest
where problem <> ''
order by name
