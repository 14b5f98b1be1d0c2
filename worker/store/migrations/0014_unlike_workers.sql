-- Workers may be unlike: each claims only what it can run, by the providers that are installed and switched on, and by the queues it serves.

alter table discovery_jobs add column queue text not null default 'default';
alter table elder_worker.workers
    add column providers text[],                           -- null: a release before this one, which claims any
    add column queues    text[] not null default '{default}';
