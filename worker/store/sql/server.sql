-- name: server
-- Returns who we are, where, and whether the server is the primary.
select current_user::text,
       current_database()::text,
       current_setting('server_version'),
       case when pg_is_in_recovery() then 'replica' else 'primary' end

-- name: migrations_table
-- Creates the table of applied migrations.
create table if not exists elder_worker.migrations (
    name       text primary key,
    checksum   text not null,
    applied_at timestamptz not null default now()
)

-- name: applied_migrations
-- Selects the applied migrations. A schema before 0017 has no column works_with, and a row as JSON has none then.
select name, checksum, to_jsonb(m) ->> 'works_with'
from elder_worker.migrations as m
order by name
