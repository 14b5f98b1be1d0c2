-- works with: 0016
-- What waits or is held back of an entity belongs to the scope that owns the entity. When another scope takes the entity over, because it sees it
-- and its owner does not, is abandoned, or is stale, the lost links and attributes go with it, and its deletion is held back no longer.

create function elder_worker.follow_entity() returns trigger language plpgsql security definer set search_path = pg_catalog as $$
begin
    delete from elder_worker.held where scope_id = old.scope_id and entity_id = new.id;
    if old.is_active then
        update elder_worker.losses set scope_id = new.scope_id where entity_id = new.id;
    else
        delete from elder_worker.losses where entity_id = new.id;  -- it was written anew, with what it has now
    end if;
    return null;
end
$$;

create trigger follow_entity after update on entities for each row
    when (old.scope_id is distinct from new.scope_id) execute function elder_worker.follow_entity();

-- What earlier releases have left behind.
delete from elder_worker.held h using entities e where e.id = h.entity_id and e.scope_id <> h.scope_id;
update elder_worker.losses l set scope_id = e.scope_id from entities e where e.id = l.entity_id and e.scope_id <> l.scope_id;
