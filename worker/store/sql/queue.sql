-- name: heartbeat
-- Records that this worker is alive.
insert into elder_worker.workers (owner, name, providers, queues) values (%(owner)s, %(name)s, %(providers)s, coalesce(%(queues)s::text[], '{default}'))
on conflict (owner) do update set seen_at = now()

-- name: forget_workers
-- Deletes workers that were not seen for some days, so many at most; not those that hold a run. Returns how many.
with gone as (
    delete from elder_worker.workers where owner in (
        select w.owner from elder_worker.workers w
        where w.seen_at < now() - make_interval(days => %(days)s) and not exists (select from elder_worker.claims c where c.owner = w.owner)
        order by w.seen_at limit %(limit)s
        for update skip locked)
    returning 1
)
select count(*) from gone

-- name: queue_numbers
-- Returns how many jobs are due and for how many seconds the oldest has been; parked jobs, current and abandoned scopes, current scopes
-- not read in full for a week, entities, links and attributes held back, enabled jobs whose latest ended run was an error, connectors whose
-- latest sync did not read everything, jobs and connectors whose credential ends within 30 days, keys of the API that end within 14,
-- entities that have been unconfirmed for a week, and enabled jobs that do not fail and were denied a scope when they last read it.
select count(*), coalesce(extract(epoch from now() - min(j.next_run_at)), 0),
       (select count(*) from discovery_jobs where status = 'parked'),
       (select count(*) from elder_worker.scopes where state = 'current'),
       (select count(*) from elder_worker.scopes where state = 'abandoned'),
       (select count(*) from elder_worker.scopes
        where state = 'current' and coalesce(last_complete_at, created_at) < now() - interval '7 days'
          and not (last_complete_at is null and last_outcome in ('unsupported', 'skipped'))),
       (select count(*) from elder_worker.held) + (select count(*) from elder_worker.losses where held_at is not null),
       (select count(*) from discovery_jobs
        where enabled and deleted_at is null and (status = 'error' or (status = 'running' and failures > 0))),
       (select count(*)
        from (select distinct on (connector) status from connector_history where status <> 'running' order by connector, id desc) as newest
        where newest.status not in ('completed', 'cancelled')),
       (select count(*) from discovery_jobs where credential_expires_at < now() + interval '30 days' and enabled and deleted_at is null)
       + (select count(*)
          from (
              select distinct on (connector) credential_expires_at from connector_history
              where identity is not null order by connector, id desc
          ) as newest
          where newest.credential_expires_at < now() + interval '30 days'),
       (select count(*) from elder_worker.api_keys
        where revoked_at is null and expires_at between now() - interval '14 days' and now() + interval '14 days'),
       (select count(*) from entities where unconfirmed_since < now() - interval '7 days' and is_active),
       (select count(*) from discovery_jobs
        where enabled and deleted_at is null and status not in ('error', 'parked') and not (status = 'running' and failures > 0)
          and 'job:' || id in (select owner from elder_worker.scopes where state = 'current' and last_outcome = 'denied'))
from discovery_jobs j where j.enabled and j.next_run_at <= now() and j.status not in ('parked', 'running')

-- name: claim_tests
-- Claims connectivity tests, the oldest first.
update elder_worker.tests t set owner = %(owner)s, claimed_at = now()
where t.id in (
    select id from elder_worker.tests
    where answer is null and owner is null and (%(providers)s::text[] is null or provider = any(%(providers)s))
    order by requested_at limit %(limit)s
    for update skip locked
)
returning t.id, t.provider, t.config

-- name: answer_test
-- Stores the answer to a connectivity test that this worker holds.
update elder_worker.tests set answer = %s, answered_at = now()
where id = %s and owner = %s

-- name: workers_seen
-- Counts workers seen in the last seconds, those that can run a provider if one is given.
select count(*) from elder_worker.workers
where seen_at > now() - make_interval(secs => %(seconds)s)
  and (%(provider)s::text is null or providers is null or %(provider)s = any(providers))

-- name: forget_test
-- Deletes a connectivity test, and tests that everybody has given up on.
delete from elder_worker.tests
where id = %s or requested_at < now() - interval '1 hour'

-- name: workers
-- Lists the workers seen in the last seconds, each with the runs that it holds.
select w.name, w.started_at, w.seen_at, w.providers, w.queues,
       coalesce((
           select jsonb_agg(jsonb_build_object('id', h.id, 'job', j.name) order by h.id)
           from elder_worker.claims c
           join discovery_history h on h.id = c.run_id and h.status = 'running'
           join discovery_jobs j on j.id = c.job_id
           where c.owner = w.owner
       ), '[]') as runs
from elder_worker.workers w
where w.seen_at > now() - make_interval(secs => %(seconds)s)
order by w.name, w.started_at
