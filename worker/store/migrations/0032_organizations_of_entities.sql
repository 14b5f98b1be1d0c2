-- works with: 0016
-- That an entity's organization exists was held by a foreign key, which PostgreSQL checks row by row: a tenth of its work while entities are
-- stored. The triggers below hold the same for a whole statement at once, with the same locks, error code and constraint name. Their functions
-- name the schema of the tables: they run with the rights of their owner, and may not be led to another table.

alter table entities drop constraint entities_organization_id_fkey;

do $migration$ begin execute format($functions$

-- Locks an organization against deletion, as a foreign key does. Refuses a number of which there is none.
create function elder_worker.require_organization(number bigint) returns void language plpgsql set search_path = pg_catalog as $$
begin
    perform from %1$I.organizations where id = number for key share;
    if not found then
        raise foreign_key_violation using
            schema = %1$L, table = 'entities', constraint = 'entities_organization_id_fkey',
            message = 'insert or update on table "entities" violates foreign key constraint "entities_organization_id_fkey"',
            detail = format('Key (organization_id)=(%%s) is not present in table "organizations".', number);
    end if;
end
$$;

create function elder_worker.check_inserted_organizations() returns trigger
    language plpgsql security definer set search_path = pg_catalog as $$
begin
    perform elder_worker.require_organization(number)
    from (select distinct organization_id as number from inserted order by 1) as organizations;
    return null;
end
$$;

create function elder_worker.check_changed_organization() returns trigger
    language plpgsql security definer set search_path = pg_catalog as $$
begin
    perform elder_worker.require_organization(new.organization_id);
    return null;
end
$$;

-- Refuses to delete an organization that has entities, or to change its number. It has to see what others have stored up to now, which it
-- does in READ COMMITTED only, PostgreSQL's default.
create function elder_worker.keep_organization_of_entities() returns trigger
    language plpgsql security definer set search_path = pg_catalog as $$
begin
    if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        raise feature_not_supported using
            message = 'organizations are deleted and renumbered in transactions of isolation level READ COMMITTED only';
    end if;
    if exists (select from %1$I.entities where organization_id = old.id) then
        raise foreign_key_violation using
            schema = %1$L, table = 'entities', constraint = 'entities_organization_id_fkey',
            message = 'update or delete on table "organizations" violates foreign key constraint "entities_organization_id_fkey" on table "entities"',
            detail = format('Key (id)=(%%s) is still referenced from table "entities".', old.id);
    end if;
    return null;
end
$$;

-- Refuses to empty the organizations alone.
create function elder_worker.keep_organizations_of_entities() returns trigger
    language plpgsql security definer set search_path = pg_catalog as $$
begin
    if exists (select from %1$I.entities) then
        raise foreign_key_violation using
            schema = %1$L, table = 'entities', constraint = 'entities_organization_id_fkey',
            message = 'cannot truncate the organizations of entities',
            hint = 'Truncate table "entities" at the same time.';
    end if;
    return null;
end
$$;

$functions$, current_schema()); end $migration$;

create trigger check_inserted_organizations after insert on entities referencing new table as inserted
    for each statement execute function elder_worker.check_inserted_organizations();
create trigger check_changed_organization after update of organization_id on entities
    for each row when (old.organization_id is distinct from new.organization_id)
    execute function elder_worker.check_changed_organization();
create trigger keep_deleted_organization after delete on organizations
    for each row execute function elder_worker.keep_organization_of_entities();
create trigger keep_renumbered_organization after update of id on organizations
    for each row when (old.id is distinct from new.id) execute function elder_worker.keep_organization_of_entities();
create trigger keep_truncated_organizations after truncate on organizations
    for each statement execute function elder_worker.keep_organizations_of_entities();
