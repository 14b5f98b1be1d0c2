-- name: entities_to_purge
-- Returns entities, the next after an id, with the names that the config of their job masks, or the settings of their connector.
select e.id, e.provider, e.sub_type, coalesce(j.config -> 'mask_names', %(connectors)s::jsonb -> s.owner), e.attributes, e.tags
from entities e
left join elder_worker.scopes s on s.id = e.scope_id
left join discovery_jobs j on s.owner = 'job:' || j.id
where e.id > %(after)s order by e.id limit %(limit)s

-- name: changes_to_purge
-- Returns entries of the history of entities that tell values, the next after an id.
select c.id, e.provider, e.sub_type, coalesce(j.config -> 'mask_names', %(connectors)s::jsonb -> s.owner), c.changes
from entity_changes c
join entities e on e.id = c.entity_id
left join elder_worker.scopes s on s.id = e.scope_id
left join discovery_jobs j on s.owner = 'job:' || j.id
where c.id > %(after)s and c.changes <> '{}' order by c.id limit %(limit)s

-- name: losses_to_purge
-- Returns losses of attributes that keep a value, the next after an id.
select l.id, e.provider, e.sub_type, coalesce(j.config -> 'mask_names', %(connectors)s::jsonb -> s.owner), l.name, l.value
from elder_worker.losses l
join entities e on e.id = l.entity_id
left join elder_worker.scopes s on s.id = e.scope_id
left join discovery_jobs j on s.owner = 'job:' || j.id
where l.id > %(after)s and l.kind = 'attribute' and l.value is not null order by l.id limit %(limit)s
