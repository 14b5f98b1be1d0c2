-- works with: 0016
-- A search for 777777 or abab looked at all entities: of the one or two parts of three characters that such a text has, most blocks have the bits. Longer parts
-- that repeat one or two characters have bits of their own. Blocks without them are looked at by each such search, until a worker has made theirs.
alter table elder_worker.search_blocks add column repeats bit(128), add column repeats_made integer;
comment on column elder_worker.search_blocks.repeats is
    'Of each part of four to six characters of names and external ids that repeats one or two characters; null: not made.';
comment on column elder_worker.search_blocks.repeats_made is 'How often it was made or added to. An update that does not count is one of a release without it.';

create function elder_worker.forget_search_repeats() returns trigger
    language plpgsql set search_path = pg_catalog as $$
begin
    new.repeats := null;
    return new;
end
$$;
create trigger forget_search_repeats before update on elder_worker.search_blocks
    for each row when (new.repeats_made is not distinct from old.repeats_made) execute function elder_worker.forget_search_repeats();

drop index elder_worker.search_blocks_worn;
create index search_blocks_worn on elder_worker.search_blocks (block) where additions > 128 or repeats is null;
