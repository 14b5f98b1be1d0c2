-- name: find_key
-- Finds the key that one of two hashes belongs to, if it may be used now: the second one is that of a key of an organization.
-- `unmarked`: its last use is not stored for this minute yet.
select id, name, role, organization_id, last_used_at is null or last_used_at < now() - interval '1 minute' as unmarked
from elder_worker.api_keys
where (hash in (%(hash)s, %(limited)s) or (previous_hash in (%(hash)s, %(limited)s) and previous_until > now()))
  and revoked_at is null
  and (expires_at is null or expires_at > now())

-- name: mark_key_used
-- Stores that a key was used, once a minute however many requests bear it.
update elder_worker.api_keys set last_used_at = now()
where id = %(id)s and (last_used_at is null or last_used_at < now() - interval '1 minute')

-- name: add_key
-- Adds a key by its hash. The key itself is stored nowhere.
insert into elder_worker.api_keys (name, role, organization_id, hash, prefix, created_by, expires_at)
values (%(name)s, %(role)s, %(organization)s, %(hash)s, %(prefix)s, %(by)s, now() + make_interval(secs => %(seconds)s))
returning id

-- name: rotate_key
-- Gives a key a new hash; the old one is taken for `grace` seconds more.
update elder_worker.api_keys
set previous_hash = case when %(grace)s > 0 then hash end,
    previous_until = case when %(grace)s > 0 then now() + make_interval(secs => %(grace)s) end,
    hash = case when organization_id is null then %(hash)s::bytea else %(limited)s end, prefix = %(prefix)s, rotated_at = now()
where id = %(id)s and revoked_at is null
returning id

-- name: revoke_key
-- Ends a key for good; its row stays, so that the audit log can be read.
update elder_worker.api_keys set revoked_at = now(), previous_hash = null, previous_until = null
where id = %(id)s and revoked_at is null
returning id
