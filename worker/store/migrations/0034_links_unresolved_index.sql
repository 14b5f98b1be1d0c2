-- works with: 0016
-- Finds the runs that have left links unresolved: each run that ends in their organization takes them up.

create index discovery_history_links_unresolved on discovery_history (job_id) where links_unresolved;
