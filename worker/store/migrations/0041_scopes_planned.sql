-- works with: 0016
-- How many scopes a run has planned, so that its progress can be told.

alter table discovery_history add column scopes_planned integer not null default 0;
comment on column discovery_history.scopes_planned is 'Scopes that the run has planned so far; 0 for a run that did not say.';
