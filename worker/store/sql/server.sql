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
