-- Changes by which a merge created an entity: few, as most entities are created by a COPY.

create index entity_changes_created on entity_changes (changed_at) where operation = 'created';
