-- works with: 0016
-- What a subscription inherits from above it is seen from outside its owner: when it is not seen any more, it is not deleted but unconfirmed.
alter table entities add column unconfirmed_since timestamptz;
create index entities_unconfirmed on entities (scope_id) where unconfirmed_since is not null;
