-- works with: 0016
-- When the credential ends that a job or a connector reads its source with, as the source or the credential itself tells it; null: not known.

alter table discovery_jobs add column credential_expires_at timestamptz;
alter table connector_history add column credential_expires_at timestamptz;
create index discovery_jobs_credentials on discovery_jobs (credential_expires_at) where credential_expires_at is not null;
