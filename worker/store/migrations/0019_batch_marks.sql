-- works with: 0016
-- Batch marks: of which batches, byte by byte, the last complete reading of a scope consisted. A batch that comes again is recognised by one
-- hash. Marks hold only while nothing else has touched the scope's entities or sightings, which triggers see whoever does it.

create table elder_worker.batch_marks (
    scope_id  bigint not null references elder_worker.scopes (id) on delete cascade,
    hash      bytea not null,                        -- of the batch's bytes, keyed with the database's seed
    resources integer not null,
    keys      bytea not null,                        -- of the resources, in their order, 8 bytes little-endian each
    primary key (scope_id, hash)
);
alter table elder_worker.batch_marks alter column keys set storage external;

alter table elder_worker.scopes
    add column marks_run     bigint,                 -- the run whose complete reading the marks describe; null: none
    add column marks_reading bigint;                 -- the run that reads the scope, while nobody else has touched it

-- Nobody who can write to a source knows the seed, and so nobody can make two batches that look the same.
create table elder_worker.hash_seed (
    one  boolean primary key default true check (one),
    seed bigint not null
);
insert into elder_worker.hash_seed (seed) values (('x' || left(replace(gen_random_uuid()::text, '-', ''), 16))::bit(64)::bigint);

create function elder_worker.void_marks() returns trigger language plpgsql security definer set search_path = pg_catalog as $$
declare
    reading text := current_setting('elder_worker.reading', true);  -- the scope whose own reading writes here: its marks will say so
begin
    update elder_worker.scopes set marks_run = null, marks_reading = null
    where id in (old.scope_id, new.scope_id) and id::text is distinct from reading
      and (marks_run is not null or marks_reading is not null);
    return null;
end
$$;

create function elder_worker.void_all_marks() returns trigger language plpgsql security definer set search_path = pg_catalog as $$
begin
    update elder_worker.scopes set marks_run = null, marks_reading = null where marks_run is not null or marks_reading is not null;
    return null;
end
$$;

create trigger void_marks_of_changed after update on entities for each row
    when ((old.scope_id, old.organization_id, old.external_id, old.key, old.content, old.is_active, old.name, old.attributes, old.tags)
          is distinct from
          (new.scope_id, new.organization_id, new.external_id, new.key, new.content, new.is_active, new.name, new.attributes, new.tags))
    execute function elder_worker.void_marks();
create trigger void_marks_of_deleted after delete on entities for each row execute function elder_worker.void_marks();
create trigger void_all_marks after truncate on entities for each statement execute function elder_worker.void_all_marks();
create trigger void_marks_of_sighted after insert or update or delete on elder_worker.sightings
    for each row execute function elder_worker.void_marks();
create trigger void_all_marks after truncate on elder_worker.sightings
    for each statement execute function elder_worker.void_all_marks();
