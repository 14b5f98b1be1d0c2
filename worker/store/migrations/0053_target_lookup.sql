-- works with: 0016
-- A link's target is looked up by organization and external id. For an organization that is newer than the table's statistics PostgreSQL expects
-- one entity, and took the index that begins with the organization and is smaller: each lookup then read all entities of the organization. Now
-- one index only begins with it, the one of organization and external id.
drop index entities_type;
create index entities_type on entities (entity_type, organization_id, id);
