-- name: marks
-- Returns the batches of a scope's last complete reading, and whether each tells its resources under this secret; of too many,
-- one more than are used.
select hash, resources, coalesce(substring(contents for 8) = %(proof)s, false) from elder_worker.batch_marks where scope_id = %(scope)s limit %(limit)s

-- name: add_marks
-- Adds batches that a scope's reading has brought. Their bytes are sent as they are (`b`): as text they take four times as long.
insert into elder_worker.batch_marks (scope_id, hash, resources, keys, contents)
select %(scope)s, m.* from unnest(%(hashes)b::bytea[], %(resources)s::integer[], %(keys)b::bytea[], %(contents)b::bytea[]) m
on conflict do nothing

-- name: keys_of_marks
-- Returns the keys of a scope's batches, a batch a row.
select keys from elder_worker.batch_marks where scope_id = %(scope)s and hash = any(%(hashes)s)

-- name: resources_of_marks
-- Returns the hashes and keys of the resources of a scope's batches, a batch a row.
select contents, keys from elder_worker.batch_marks where scope_id = %(scope)s and hash = any(%(hashes)s)

-- name: delete_marks
-- Deletes batches of a scope that its reading has not brought again.
delete from elder_worker.batch_marks where scope_id = %(scope)s and hash = any(%(hashes)s)

-- name: keep_marks
-- Makes a scope's batches those of its last complete reading, unless somebody else has touched the scope meanwhile, or the batches are not
-- exactly what is stored: a resource that came twice, was refused, or is held back.
update elder_worker.scopes s set marks_run = %(run)s, marks_reading = null
where s.id = %(scope)s and s.marks_reading = %(run)s
  and (%(same)s
    or (select count(*) from entities e where e.scope_id = s.id and e.is_active)
       + (select count(*) from elder_worker.sightings g where g.scope_id = s.id)
       = (select coalesce(sum(m.resources), 0) from elder_worker.batch_marks m where m.scope_id = s.id))

-- name: own_reading
-- Says that what this transaction writes belongs to the reading of a scope, and leaves that scope's marks.
select set_config('elder_worker.reading', %(scope)s::text, true)
