-- works with: 0016
-- The moment of a scope's contents, where its source gives them as they were earlier: the snapshot of Cloud Asset Inventory.

alter table run_scopes add column as_of timestamptz;
alter table connector_scopes add column as_of timestamptz;
