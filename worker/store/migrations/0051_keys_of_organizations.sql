-- works with: 0016
-- A key may be limited to an organization and those below it; null: it is not. Its hash is made with another beginning than that of other keys, so that a
-- release which does not know of such keys refuses them. No reference: an organization that is merged or deleted leaves a key that sees nothing.

alter table elder_worker.api_keys add column organization_id bigint;
alter table elder_worker.api_keys add constraint api_keys_organization check (organization_id is null or role = 'read');
