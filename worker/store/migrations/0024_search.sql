-- works with: 0016
-- Indexes of the search for entities by tag and by type. What they cost while entities are stored is in docs/benchmarks.md.

create index entities_tags on entities using gin (tags);
create index entities_sub_type on entities (sub_type, id);
