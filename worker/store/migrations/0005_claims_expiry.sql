-- Whoever looks at jobs looks for claims whose lease has ended, as no worker may be left to do it.

create index claims_expiry on elder_worker.claims (expires_at) where owner is not null;
