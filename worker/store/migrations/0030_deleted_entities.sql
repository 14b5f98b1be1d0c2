-- works with: 0016
-- Entities that were marked as deleted, by age, for DELETED_ENTITIES_RETENTION_DAYS; and what their removal looks for.
create index entities_deleted on entities (deleted_at) where not is_active;
create index held_entity on elder_worker.held (entity_id);
