-- works with: 0016
-- A run keeps only the lines of its ledger that differ from those of the runs before it: `elder_worker.run_ledgers` shows all of them.

alter table discovery_history add column ledger_chain bigint, add column ledger_without bigint[];
comment on column discovery_history.ledger_chain is
    'Runs of a job with the same number share lines: a scope has the newest line of this run and those before it. 0: all lines are its own; null: not compared yet.';
comment on column discovery_history.ledger_without is 'Scopes that have a line in the chain, and none in the ledger of this run.';

-- Finds runs that were not compared yet, the newest chain of a job, and the runs of a chain.
create index discovery_history_not_compared on discovery_history (completed_at) where ledger_chain is null and completed_at is not null;
create index discovery_history_chained on discovery_history (job_id, id) where ledger_chain > 0;
create index discovery_history_chain on discovery_history (ledger_chain, id) where ledger_chain > 0;

create view elder_worker.run_ledgers as
select s.run_id, s.scope_id, s.provider, s.account, s.region, s.resource_type, s.coverage, s.outcome, s.resources, s.deleted, s.held_back,
       s.held_links, s.held_attributes, s.message, s.permission, s.detail, s.as_of
from discovery_history h join run_scopes s on s.run_id = h.id
where coalesce(h.ledger_chain, 0) = 0
union all
select h.id, newest.scope_id, newest.provider, newest.account, newest.region, newest.resource_type, newest.coverage, newest.outcome,
       newest.resources, newest.deleted, newest.held_back, newest.held_links, newest.held_attributes, newest.message, newest.permission,
       newest.detail, newest.as_of
from discovery_history h
cross join lateral (
    select distinct on (s.scope_id) s.*
    from discovery_history c join run_scopes s on s.run_id = c.id
    where c.ledger_chain = h.ledger_chain and c.ledger_chain > 0 and c.id <= h.id
    order by s.scope_id, s.run_id desc
) as newest
where h.ledger_chain > 0 and newest.scope_id <> all (h.ledger_without);
comment on view elder_worker.run_ledgers is 'The whole ledger of each run, a line a scope.';
