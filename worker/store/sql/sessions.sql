-- name: find_session
-- Finds the session of a cookie, if it may be used now. `unmarked`: its last use is not stored for this minute yet.
select id, issuer, subject, name, role, seen_at < now() - interval '1 minute' as unmarked
from elder_worker.api_sessions
where hash = %(hash)s and issuer = %(issuer)s and ended_at is null
  and seen_at > now() - make_interval(secs => %(idle)s)
  and created_at > now() - make_interval(secs => %(lifetime)s)

-- name: mark_session_used
-- Stores that a session was used, once a minute however many pages are opened.
update elder_worker.api_sessions set seen_at = now()
where id = %(id)s and seen_at < now() - interval '1 minute'

-- name: add_session
-- Adds a session by the hash of its cookie. A sign-in that has made one already makes no other.
insert into elder_worker.api_sessions (hash, sign_in, issuer, subject, name, role)
values (%(hash)s, %(sign_in)s, %(issuer)s, %(subject)s, %(name)s, %(role)s)
on conflict (sign_in) do nothing
returning id

-- name: end_session
-- Ends a session; its row stays until it is too old to be replayed.
update elder_worker.api_sessions set ended_at = now()
where id = %(id)s and ended_at is null
returning id

-- name: end_sessions_of_subject
-- Ends every session of a person, at whichever issuer they signed in.
update elder_worker.api_sessions set ended_at = now()
where subject = %(subject)s and ended_at is null
returning id, issuer, subject, name, role

-- name: delete_old_sessions
-- Deletes sessions that have long been over: no lifetime is longer than 30 days.
delete from elder_worker.api_sessions where created_at < now() - interval '31 days'
