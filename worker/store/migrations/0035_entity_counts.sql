-- works with: 0016
-- How many active entities there are of each type, for pages that would count a million of them each time. Each statement that stores, changes or
-- deletes entities adds by how many there are more or fewer now, so that nobody waits for anybody; the clean-up adds these rows up. Those that were
-- first seen within a day have the time, to the statement.
create table elder_worker.entity_counts (
    entity_type   text not null,
    sub_type      text not null,
    provider      text not null,
    first_seen_at timestamptz,             -- null: more than a day ago
    entities      bigint not null
);

create function elder_worker.count_inserted_entities() returns trigger
    language plpgsql security definer set search_path = pg_catalog as $$
begin
    insert into elder_worker.entity_counts (entity_type, sub_type, provider, first_seen_at, entities)
    select entity_type, sub_type, provider, case when first_seen_at > now() - interval '1 day' then first_seen_at end, count(*)
    from inserted where is_active
    group by 1, 2, 3, 4;
    return null;
end
$$;

create function elder_worker.count_changed_entities() returns trigger
    language plpgsql security definer set search_path = pg_catalog as $$
begin
    insert into elder_worker.entity_counts (entity_type, sub_type, provider, first_seen_at, entities)
    select entity_type, sub_type, provider, case when first_seen_at > now() - interval '1 day' then first_seen_at end, sum(change)
    from (
        select entity_type, sub_type, provider, first_seen_at, -1 as change from before where is_active
        union all
        select entity_type, sub_type, provider, first_seen_at, 1 from after where is_active
    ) as changes
    group by 1, 2, 3, 4
    having sum(change) <> 0;
    return null;
end
$$;

create function elder_worker.count_deleted_entities() returns trigger
    language plpgsql security definer set search_path = pg_catalog as $$
begin
    insert into elder_worker.entity_counts (entity_type, sub_type, provider, first_seen_at, entities)
    select entity_type, sub_type, provider, case when first_seen_at > now() - interval '1 day' then first_seen_at end, -count(*)
    from deleted where is_active
    group by 1, 2, 3, 4;
    return null;
end
$$;

create function elder_worker.count_no_entities() returns trigger
    language plpgsql security definer set search_path = pg_catalog as $$
begin
    delete from elder_worker.entity_counts;
    return null;
end
$$;

create trigger count_inserted_entities after insert on entities referencing new table as inserted
    for each statement execute function elder_worker.count_inserted_entities();
create trigger count_changed_entities after update on entities referencing old table as before new table as after
    for each statement execute function elder_worker.count_changed_entities();
create trigger count_deleted_entities after delete on entities referencing old table as deleted
    for each statement execute function elder_worker.count_deleted_entities();
create trigger count_no_entities after truncate on entities
    for each statement execute function elder_worker.count_no_entities();

-- No one else stores entities from here on to the end of the migration: creating a trigger locks them.
insert into elder_worker.entity_counts (entity_type, sub_type, provider, first_seen_at, entities)
select entity_type, sub_type, provider, case when first_seen_at > now() - interval '1 day' then first_seen_at end, count(*)
from entities where is_active
group by 1, 2, 3, 4;
