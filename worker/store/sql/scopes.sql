-- name: find_scope
-- Returns a scope's row.
select id from elder_worker.scopes
where (owner, provider, account, region, resource_type, coverage) = (%s, %s, %s, %s, %s, %s)

-- name: add_scope
-- Creates a scope's row.
insert into elder_worker.scopes (owner, provider, account, region, resource_type, coverage)
values (%s, %s, %s, %s, %s, %s)
on conflict do nothing

-- name: fingerprints
-- Returns key and content of a scope's active entities, in pieces of a megabyte.
select string_agg(int8send(key) || int8send(content), '' order by key)
from (
    select key, content, (row_number() over (order by key) - 1) / 65536 as part
    from entities where scope_id = %s and is_active
) as numbered
group by part order by part

-- name: put_organization
-- Inserts or renames an organization; returns nothing when it is unchanged.
insert into organizations (owner, external_id, name, parent_id) values (%s, %s, %s, %s)
on conflict (owner, external_id) do update set name = excluded.name, parent_id = excluded.parent_id, updated_at = now()
where (organizations.name, organizations.parent_id) is distinct from (excluded.name, excluded.parent_id)
returning id
