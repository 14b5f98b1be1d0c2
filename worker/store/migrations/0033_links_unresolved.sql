-- works with: 0016
-- A run whose outcome was stored after its end, without what a run does last: the job's next run resolves the links that it left.

alter table discovery_history add column links_unresolved boolean not null default false;
