-- works with: 0016
-- Marks tell each resource of a batch: one that comes again in another place, or beside one that has changed, is recognised by one keyed hash.
-- A release before this one stores its marks without; those are not used then. The inventory itself is not touched.

alter table elder_worker.batch_marks
    add column contents bytea;   -- keyed hashes, 8 bytes little-endian each: of no bytes, to tell the secret; then of each resource, as keys
alter table elder_worker.batch_marks alter column contents set storage external;

-- The seed has 60 random bits, and a hash with a seed is no keyed hash: whoever knows the function can craft two states that look the same.
alter table elder_worker.hash_seed
    add column secret bytea not null default decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex');
