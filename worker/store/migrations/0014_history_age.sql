-- Retention looks at runs that ended long ago, and at none that are younger.

create index discovery_history_age on discovery_history (completed_at) where completed_at is not null;
