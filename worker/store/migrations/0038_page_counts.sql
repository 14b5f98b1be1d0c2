-- works with: 0016
-- What pages would count among a million rows each time: active entities by organization, runs by day. Each statement adds by how many there are
-- more or fewer now, as for the types (migration 0035), and the clean-up adds these rows up. Runs stay counted when they are deleted.
create table elder_worker.organization_counts (
    organization_id bigint not null,
    entities        bigint not null
);
create index organization_counts_organization on elder_worker.organization_counts (organization_id);

create table elder_worker.run_counts (
    day     date not null,                 -- of UTC, on which the runs began
    status  text not null,
    runs    bigint not null,
    seconds float8 not null                -- that they took together
);
create index run_counts_day on elder_worker.run_counts (day);

create function elder_worker.count_inserted_of_organizations() returns trigger
    language plpgsql security definer set search_path = pg_catalog as $$
begin
    insert into elder_worker.organization_counts (organization_id, entities)
    select organization_id, count(*) from inserted where is_active group by 1;
    return null;
end
$$;

create function elder_worker.count_changed_of_organizations() returns trigger
    language plpgsql security definer set search_path = pg_catalog as $$
begin
    insert into elder_worker.organization_counts (organization_id, entities)
    select organization_id, sum(change)
    from (
        select organization_id, -1 as change from before where is_active
        union all
        select organization_id, 1 from after where is_active
    ) as changes
    group by 1
    having sum(change) <> 0;
    return null;
end
$$;

create function elder_worker.count_deleted_of_organizations() returns trigger
    language plpgsql security definer set search_path = pg_catalog as $$
begin
    insert into elder_worker.organization_counts (organization_id, entities)
    select organization_id, -count(*) from deleted where is_active group by 1;
    return null;
end
$$;

create function elder_worker.count_none_of_organizations() returns trigger
    language plpgsql security definer set search_path = pg_catalog as $$
begin
    delete from elder_worker.organization_counts;
    return null;
end
$$;

create trigger count_inserted_of_organizations after insert on entities referencing new table as inserted
    for each statement execute function elder_worker.count_inserted_of_organizations();
create trigger count_changed_of_organizations after update on entities referencing old table as before new table as after
    for each statement execute function elder_worker.count_changed_of_organizations();
create trigger count_deleted_of_organizations after delete on entities referencing old table as deleted
    for each statement execute function elder_worker.count_deleted_of_organizations();
create trigger count_none_of_organizations after truncate on entities
    for each statement execute function elder_worker.count_none_of_organizations();

create function elder_worker.count_run() returns trigger
    language plpgsql security definer set search_path = pg_catalog as $$
begin
    if tg_op = 'UPDATE' and old.status <> 'running' then
        insert into elder_worker.run_counts (day, status, runs, seconds)
        values ((old.started_at at time zone 'UTC')::date, old.status, -1, -coalesce(extract(epoch from old.completed_at - old.started_at), 0));
    end if;
    if new.status <> 'running' then
        insert into elder_worker.run_counts (day, status, runs, seconds)
        values ((new.started_at at time zone 'UTC')::date, new.status, 1, coalesce(extract(epoch from new.completed_at - new.started_at), 0));
    end if;
    return null;
end
$$;

create trigger count_new_run after insert on discovery_history
    for each row when (new.status <> 'running') execute function elder_worker.count_run();
create trigger count_ended_run after update on discovery_history
    for each row when ((old.status, old.started_at, old.completed_at) is distinct from (new.status, new.started_at, new.completed_at))
    execute function elder_worker.count_run();

-- No one else stores entities or ends runs from here on to the end of the migration: creating a trigger locks them.
insert into elder_worker.organization_counts (organization_id, entities)
select organization_id, count(*) from entities where is_active group by 1;

insert into elder_worker.run_counts (day, status, runs, seconds)
select (started_at at time zone 'UTC')::date, status, count(*), coalesce(sum(extract(epoch from completed_at - started_at)), 0)
from discovery_history where status <> 'running'
group by 1, 2;

create index discovery_history_changed on discovery_history (id) where entities_created + entities_updated + entities_deleted > 0;
