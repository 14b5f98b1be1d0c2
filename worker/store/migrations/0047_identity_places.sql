-- works with: 0016
-- Where a job's config has found the source that the job is pinned to, so that another job whose config leads elsewhere to what says that it is
-- the same source is told apart.

alter table discovery_jobs
    add column identity_place text not null default '',
    add column identity_accepted boolean not null default false;
comment on column discovery_jobs.identity_place is 'Server and CA by which the pinned source was read, where the config of a job names them; empty where not.';
comment on column discovery_jobs.identity_accepted is 'A person has accepted what the next complete run reads.';
