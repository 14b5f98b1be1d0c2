-- works with: 0016
-- A run keeps only the lines of its ledger that differ from those of the runs before it: `elder_worker.run_ledgers` shows all of them.

alter table discovery_history add column ledger_chain bigint, add column ledger_without bigint[];
comment on column discovery_history.ledger_chain is
    'Runs of a job with the same number share lines: a scope has the newest one of this run and those before it. 0: shares none; null: not compared yet.';
comment on column discovery_history.ledger_without is 'Scopes that have a line in the chain, and none in the ledger of this run.';

-- Finds runs that were not compared yet, the newest chain of a job, and the runs of a chain.
create index discovery_history_not_compared on discovery_history (completed_at) where ledger_chain is null and completed_at is not null;
create index discovery_history_chained on discovery_history (job_id, id) where ledger_chain > 0;
create index discovery_history_chain on discovery_history (ledger_chain, id) where ledger_chain > 0;

create table elder_worker.ledger_lines (like run_scopes including defaults, primary key (run_id, scope_id));
alter table elder_worker.ledger_lines add foreign key (run_id) references discovery_history (id) on delete cascade;
comment on table elder_worker.ledger_lines is 'Lines of the runs in a chain; run_scopes has those of all other runs.';

create view elder_worker.run_ledgers as
select run_id, scope_id, provider, account, region, resource_type, coverage, outcome, resources, deleted, held_back, held_links,
       held_attributes, message, permission, detail, as_of
from run_scopes
union all
select h.id, newest.scope_id, newest.provider, newest.account, newest.region, newest.resource_type, newest.coverage, newest.outcome,
       newest.resources, newest.deleted, newest.held_back, newest.held_links, newest.held_attributes, newest.message, newest.permission,
       newest.detail, newest.as_of
from discovery_history h
cross join lateral (
    select distinct on (l.scope_id) l.*
    from discovery_history c join elder_worker.ledger_lines l on l.run_id = c.id
    where c.ledger_chain = h.ledger_chain and c.ledger_chain > 0 and c.id <= h.id
    order by l.scope_id, l.run_id desc
) as newest
where h.ledger_chain > 0 and newest.scope_id <> all (h.ledger_without);
comment on view elder_worker.run_ledgers is 'The whole ledger of each run, a line a scope.';
