-- works with: 0016
-- Webhooks: who is told of what, and what is still to be delivered. What ends a run stores its events in the same transaction, whichever way the
-- run ends (its own writer, a later one, a sweep), so that there is no outcome without its events and no event without its outcome. Without a
-- webhook that costs one look into an empty table. The API delivers.

create table elder_worker.webhooks (
    id                bigint generated always as identity primary key,
    name              text not null,
    url               text not null,
    events            text[] not null,
    job_id            bigint references discovery_jobs (id) on delete cascade,   -- null: of every job and connector
    secrets           jsonb not null,            -- {"current": {"$fernet": "..."}, "previous": ...}: what deliveries are signed with
    previous_until    timestamptz,               -- time until which deliveries are signed with the secret before the last rotation as well
    enabled           boolean not null default true,
    disabled_reason   text not null default '',  -- why it was disabled by itself
    created_by        text not null,
    created_at        timestamptz not null default now(),
    updated_at        timestamptz not null default now(),
    last_attempt_at   timestamptz,
    last_delivered_at timestamptz,
    last_failed_at    timestamptz,               -- the last attempt that failed
    last_error        text not null default '',  -- of the last attempt; empty: it succeeded
    busy_until        timestamptz                -- lease of the process that delivers to it: one delivery at a time
);
create unique index webhooks_name on elder_worker.webhooks (name);
create index webhooks_job on elder_worker.webhooks (job_id) where job_id is not null;

create table elder_worker.webhook_deliveries (
    id              bigint generated always as identity primary key,
    event_id        uuid not null default gen_random_uuid(),   -- the same at every attempt
    webhook_id      bigint not null references elder_worker.webhooks (id) on delete cascade,
    event           text not null,
    payload         jsonb not null,
    created_at      timestamptz not null default now(),
    attempts        integer not null default 0,
    last_attempt_at timestamptz,
    next_attempt_at timestamptz default now(),   -- null: delivered, or given up
    delivered_at    timestamptz,
    failed_at       timestamptz,                 -- given up
    status          integer,                     -- HTTP status of the last answer
    answer          text not null default '',    -- its beginning, redacted
    error           text not null default ''     -- why the last attempt failed
);
create index webhook_deliveries_due on elder_worker.webhook_deliveries (webhook_id, next_attempt_at) where next_attempt_at is not null;
create index webhook_deliveries_failed on elder_worker.webhook_deliveries (webhook_id, failed_at) where failed_at is not null;
create index webhook_deliveries_page on elder_worker.webhook_deliveries (webhook_id, id);
create index webhook_deliveries_age on elder_worker.webhook_deliveries (created_at);

-- A moment as JSON has it, in UTC.
create function elder_worker.utc(moment timestamptz) returns text language sql stable as $$
    select to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- Up to 100 entities that a run of a job, or a connector since a moment, has created, changed or deleted.
create function elder_worker.entities_changed_by(run bigint, owner text, since timestamptz, operations text[]) returns jsonb
    language sql stable as $$
    with ids as (
        (
            select e.id
            from elder_worker.created r
            cross join lateral (
                select e.id from entities e join elder_worker.scopes s on s.id = e.scope_id
                where e.id between r.first_id and r.last_id and e.first_seen_at = r.created_at and (run is not null or s.owner = $2)
                limit 100
            ) as e
            where 'created' = any(operations)
              and (r.run_id = run or (run is null and r.run_id is null and r.created_at >= since))
            limit 100
        )
        union
        (select c.entity_id from entity_changes c where c.run_id = run and c.operation = any(operations) limit 100)
        union
        (
            select c.entity_id
            from entity_changes c
            join entities e on e.id = c.entity_id
            join elder_worker.scopes s on s.id = e.scope_id
            where run is null and c.run_id is null and c.changed_at >= since and c.operation = any(operations) and s.owner = $2
            limit 100
        )
    ), shown as (
        select e.id, e.name, e.sub_type, e.external_id from ids join entities e using (id) order by e.id limit 100
    )
    select coalesce(
        jsonb_agg(jsonb_build_object('id', id, 'name', name, 'sub_type', sub_type, 'external_id', external_id) order by id), '[]')
    from shown
$$;

-- Stores the events of a run that has ended, for each enabled webhook that wants them. `source` says whose run it was, `run` how it ended.
create function elder_worker.announce(
    wanted text[], job bigint, owner text, number bigint, since timestamptz, source jsonb, run jsonb, counts jsonb, held jsonb, parked boolean,
    changes text
) returns void language sql as $$
    with kinds (event, operations, counted) as (
        values ('entities.new', array['created'], 'created'), ('entities.changed', array['updated', 'restored'], 'updated'),
               ('entities.deleted', array['deleted'], 'deleted')
    ), events (event, more) as (
        select 'run.ended', '{}'::jsonb where 'run.ended' = any(wanted)
        union all
        select 'run.held_back', jsonb_build_object('held_back', held)
        where 'run.held_back' = any(wanted) and held <> '{"entities": 0, "links": 0, "attributes": 0}'
        union all
        select 'job.parked', '{}'::jsonb where 'job.parked' = any(wanted) and parked
        union all
        select k.event, jsonb_build_object(
            'count', (counts ->> k.counted)::bigint,
            'entities', elder_worker.entities_changed_by(number, owner, since, k.operations),
            'changes', changes || '&operation=' || k.operations[1])
        from kinds k
        where k.event = any(wanted) and (counts ->> k.counted)::bigint > 0
    )
    insert into elder_worker.webhook_deliveries (webhook_id, event, payload)
    select w.id, e.event, jsonb_build_object(
        'type', e.event, 'timestamp', elder_worker.utc(now()),
        'data', source || jsonb_build_object('run', run || jsonb_build_object('entities', counts)) || e.more)
    from events e
    join elder_worker.webhooks w on w.enabled and (w.job_id is null or w.job_id = job) and e.event = any(w.events)
    for key share of w   -- one that is being deleted is waited for and left out: its delivery would keep the outcome from being stored
$$;

-- The events that enabled webhooks want of a job, or of connectors; null: none.
create function elder_worker.wanted_events(job bigint) returns text[] language sql stable as $$
    select array_agg(distinct event)
    from elder_worker.webhooks w cross join unnest(w.events) as event
    where w.enabled and (w.job_id is null or w.job_id = job)
$$;

create function elder_worker.announce_run() returns trigger language plpgsql as $$
declare
    wanted text[] := elder_worker.wanted_events(new.job_id);
begin
    if wanted is null then
        return null;
    end if;
    perform elder_worker.announce(
        wanted, h.job_id, 'job:' || h.job_id, h.id, h.started_at,
        jsonb_build_object('job', jsonb_build_object('id', j.id, 'name', j.name, 'provider', j.provider, 'organization_id', j.organization_id)),
        jsonb_build_object(
            'id', h.id, 'status', h.status, 'error_kind', h.error_kind, 'error', h.error, 'attempt', h.attempt,
            'started_at', elder_worker.utc(h.started_at), 'completed_at', elder_worker.utc(h.completed_at), 'link', '/api/v1/runs/' || h.id),
        jsonb_build_object(
            'discovered', h.entities_discovered, 'created', h.entities_created, 'updated', h.entities_updated, 'deleted', h.entities_deleted),
        (
            select jsonb_build_object(
                'entities', coalesce(sum(held_back), 0), 'links', coalesce(sum(held_links), 0), 'attributes', coalesce(sum(held_attributes), 0))
            from run_scopes where run_id = h.id
        ),
        j.status = 'parked',
        '/api/v1/changes?run_id=' || h.id)
    from discovery_history h join discovery_jobs j on j.id = h.job_id
    where h.id = new.id;
    return null;
end
$$;

create function elder_worker.announce_sync() returns trigger language plpgsql as $$
declare
    wanted text[] := elder_worker.wanted_events(null);
    since timestamptz;
begin
    if wanted is null then
        return null;
    end if;
    -- A sync's first entities may come before its row: what the connector has done since its last sync ended is this one's.
    select max(completed_at) into since from connector_history where connector = new.connector and id < new.id;
    perform elder_worker.announce(
        wanted, null, 'connector:' || h.connector, null, coalesce(since, '-infinity'),
        jsonb_build_object('connector', jsonb_build_object('name', h.connector)),
        jsonb_build_object(
            'id', h.id, 'status', h.status, 'error_kind', h.error_kind, 'error', h.error, 'attempt', 1,
            'started_at', elder_worker.utc(h.started_at), 'completed_at', elder_worker.utc(h.completed_at),
            'link', '/api/v1/connectors/' || h.connector || '/history'),
        jsonb_build_object(
            'discovered', h.entities_discovered, 'created', h.entities_created, 'updated', h.entities_updated, 'deleted', h.entities_deleted),
        (
            select jsonb_build_object(
                'entities', coalesce(sum(held_back), 0), 'links', coalesce(sum(held_links), 0), 'attributes', coalesce(sum(held_attributes), 0))
            from connector_scopes where run_id = h.id
        ),
        false,
        '/api/v1/changes?' || coalesce('since=' || elder_worker.utc(since) || '&', '') || 'until=' || elder_worker.utc(h.completed_at))
    from connector_history h
    where h.id = new.id;
    return null;
end
$$;

-- They fire at the commit, when the numbers and the job of the run are stored as well.
create constraint trigger announce_run after update of status on discovery_history deferrable initially deferred for each row
    when (old.status = 'running' and new.status <> 'running') execute function elder_worker.announce_run();
create constraint trigger announce_sync after update of status on connector_history deferrable initially deferred for each row
    when (old.status = 'running' and new.status <> 'running') execute function elder_worker.announce_sync();
