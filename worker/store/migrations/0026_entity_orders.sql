-- works with: 0016
-- Orders of lists of entities that are read a part at a time; that by type is in 0024, and by id comes with the table.

create index entities_name on entities (lower(name) collate "C", id);
create index entities_changed on entities (changed_at, id);
