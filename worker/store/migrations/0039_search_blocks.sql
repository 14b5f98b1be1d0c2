-- works with: 0016
-- Signatures, by which a search for something rare finds the few entities that may have it (worker/store/search_blocks.py). A block is 32 ids in a
-- row. What is stored or changed is recorded as pending in the same transaction; a worker adds it to the signatures, and searches look at all of it.
create table elder_worker.search_blocks (
    block      bigint primary key,         -- the ids from 32 * block on
    names      bit(2048) not null,         -- of each part of three characters of the names
    ids        bit(2048) not null,         -- and of the external ids
    attributes bit(8192) not null,         -- of each attribute, and of each with its value
    additions  integer not null            -- entities that were added since the bits were made from nothing
);
create index search_blocks_worn on elder_worker.search_blocks (block) where additions > 128;

create table elder_worker.search_pending (
    first_id bigint not null,
    last_id  bigint not null
);

create function elder_worker.add_pending_search() returns trigger
    language plpgsql security definer set search_path = pg_catalog as $$
begin
    insert into elder_worker.search_pending (first_id, last_id)
    select min(id), max(id) from inserted group by id / 1024;
    return null;
end
$$;

create function elder_worker.change_pending_search() returns trigger
    language plpgsql security definer set search_path = pg_catalog as $$
begin
    insert into elder_worker.search_pending (first_id, last_id) values (new.id, new.id);
    return null;
end
$$;

create trigger add_pending_search after insert on entities referencing new table as inserted
    for each statement execute function elder_worker.add_pending_search();
create trigger change_pending_search after update on entities
    for each row when ((old.name, old.external_id, old.attributes) is distinct from (new.name, new.external_id, new.attributes))
    execute function elder_worker.change_pending_search();

-- No one else stores entities from here on to the end of the migration: creating a trigger locks them.
insert into elder_worker.search_pending (first_id, last_id)
select n * 1024, n * 1024 + 1023 from generate_series(0, (select max(id) from entities) / 1024) n;
