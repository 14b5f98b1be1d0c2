-- works with: 0016
-- Releases of held-back deletions: what a person's confirmation has deleted, so that it can be undone.

create table elder_worker.releases (
    id          bigint generated always as identity primary key,
    owner       text not null,                 -- job:42, connector:ldap
    run_id      bigint references discovery_history (id) on delete set null,   -- null: of a connector
    released_at timestamptz not null default now(),
    released_by text not null default '',
    entities    integer not null default 0,
    links       integer not null default 0,
    attributes  integer not null default 0,
    undone_at   timestamptz,
    undone_by   text
);
create index releases_run on elder_worker.releases (run_id) where run_id is not null;
create index releases_owner on elder_worker.releases (owner, id);

create table elder_worker.released (
    release_id bigint not null references elder_worker.releases (id) on delete cascade,
    kind       text not null check (kind in ('entity', 'link', 'attribute')),
    entity_id  bigint not null references entities (id) on delete cascade,
    scope_id   bigint not null,
    name       text not null default '',       -- the dependency type, or the attribute's key
    target     text not null default '',       -- the link's target, by external id
    target_id  bigint,
    since      timestamptz,                    -- when the link was first seen
    before     jsonb,                          -- the attribute's value
    after      jsonb,                          -- what the attribute became; null: it went
    primary key (release_id, kind, entity_id, name, target)
);
create index released_entity on elder_worker.released (entity_id);
