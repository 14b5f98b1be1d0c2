-- Scopes belong to a job or to a connector, not to an organization: two jobs that read one account are two readings, and each is believed
-- about itself only. A scope also tells when it was attempted last, how that ended, and whether its owner's plan still contains it.

alter table elder_worker.scopes
    add column created_at      timestamptz not null default now(),
    add column last_attempt_at timestamptz,
    add column last_run        bigint,               -- discovery_history.id; null for connectors
    add column last_outcome    text not null default '',
    add column message         text not null default '',
    add column permission      text not null default '',
    add column state           text not null default 'current' check (state in ('current', 'abandoned', 'retired')),
    add column state_since     timestamptz not null default now();

-- Each scope of an organization goes to the job that read it last.
with latest as (
    select distinct on (r.scope_id) r.scope_id, h.job_id, h.id as run_id, h.started_at, r.outcome, r.message, r.permission
    from run_scopes r join discovery_history h on h.id = r.run_id
    order by r.scope_id, h.id desc
), numbered as (
    select l.*, row_number() over (
        partition by l.job_id, s.provider, s.account, s.region, s.resource_type, s.coverage order by l.run_id desc) as place
    from latest l join elder_worker.scopes s on s.id = l.scope_id
    where s.owner like 'organization:%'
)
update elder_worker.scopes s
set owner = 'job:' || n.job_id, last_attempt_at = n.started_at, last_run = n.run_id,
    last_outcome = n.outcome, message = n.message, permission = n.permission
from numbered n where s.id = n.scope_id and n.place = 1;

-- What is left belongs to no job any more.
update elder_worker.scopes set state = 'abandoned' where owner like 'organization:%';

-- What a scope has seen of entities that another scope owns.
create table elder_worker.sightings (
    scope_id  bigint not null references elder_worker.scopes (id) on delete cascade,
    key       bigint not null,                       -- hash of external_id
    content   bigint not null,                       -- hash of the resource as received
    entity_id bigint not null references entities (id) on delete cascade,
    primary key (scope_id, key)
);
create index sightings_entity on elder_worker.sightings (entity_id);

-- A run that was cut off leaves lines for what it planned and did not reach.
alter table run_scopes drop constraint run_scopes_outcome_check;
alter table run_scopes add constraint run_scopes_outcome_check check (
    outcome in ('complete', 'denied', 'throttled', 'timeout', 'unsupported', 'skipped', 'error', 'not_reached'));

alter table discovery_jobs
    add column identity      text,                   -- the account, tenant, cluster or directory that the job reads; another ends the run
    add column cut_off_since timestamptz;            -- start of the first of the runs that timed out in a row
