-- name: claim
-- Claims due jobs that nobody holds. The provider with the fewest running jobs comes first, then the one served longest ago, so that
-- many jobs of one provider do not hold up the others; within a provider, the job due longest. Providers are found by index skips, and
-- rows of the next provider are locked only when the ones before have too few. A claim whose lease has ended is held until it is swept.
with recursive waiting (provider) as (
    (select provider from discovery_jobs
     where enabled and next_run_at is not null and status not in ('parked', 'running')
     order by provider limit 1)
    union all
    select (select j.provider from discovery_jobs j
            where j.enabled and j.next_run_at is not null and j.status not in ('parked', 'running') and j.provider > w.provider
            order by j.provider limit 1)
    from waiting w where w.provider is not null
), busy as (
    select provider, count(*) as jobs from discovery_jobs where status = 'running' group by provider
), turn as (
    select w.provider
    from waiting w
    left join busy b using (provider)
    left join lateral (
        select l.last_run_at as at from discovery_jobs l
        where l.provider = w.provider and l.last_run_at is not null
        order by l.last_run_at desc limit 1) served on true
    left join lateral (
        select n.next_run_at as at from discovery_jobs n
        where n.provider = w.provider and n.enabled and n.next_run_at is not null and n.status not in ('parked', 'running')
        order by n.next_run_at limit 1) since on true
    where w.provider is not null and %(job)s::bigint is null
      and (%(providers)s::text[] is null or w.provider = any(%(providers)s))
    order by coalesce(b.jobs, 0), served.at nulls first, since.at
), due as (
    select id from (
        select next.id
        from turn cross join lateral (
            select j.id
            from discovery_jobs j
            where j.provider = turn.provider and j.enabled and j.next_run_at <= now() and j.status not in ('parked', 'running')
              and (%(queues)s::text[] is null or j.queue = any(%(queues)s))
              and not exists (select from elder_worker.claims c where c.job_id = j.id and c.owner is not null)
            order by j.next_run_at, j.id
            limit %(limit)s
            for update of j skip locked
        ) next
        limit %(limit)s
    ) fair
    union all
    select id from (
        select j.id
        from discovery_jobs j
        where j.id = %(job)s and j.enabled
          and not exists (select from elder_worker.claims c where c.job_id = j.id and c.owner is not null)
        for update of j skip locked
    ) named
), claimed as (
    insert into elder_worker.claims as c (job_id, token, owner, expires_at)
    select id, 1, %(owner)s, now() + make_interval(secs => %(ttl)s) from due
    on conflict (job_id) do update set token = c.token + 1, owner = excluded.owner, expires_at = excluded.expires_at, run_id = null
        where c.owner is null
    returning job_id, token
), started as (
    update discovery_jobs j set status = 'running', cancel_requested = false, last_run_at = now()
    from claimed where j.id = claimed.job_id
    returning j.id, j.name, j.provider, j.config, j.organization_id, j.failures + 1 as attempt, j.identity, claimed.token
), run as (
    insert into discovery_history (job_id, attempt, worker) select id, attempt, %(worker)s from started
    returning id, job_id
)
select s.id, run.id, s.token, s.name, s.provider, s.config, s.organization_id, s.attempt, s.identity
from started s join run on run.job_id = s.id

-- name: renew
-- Extends the leases of the given runs; returns those that are still ours and whether a person asked to cancel them.
with held as (
    select * from unnest(%(jobs)s::bigint[], %(tokens)s::bigint[], %(runs)s::bigint[]) as h (job_id, token, run_id)
), kept as (
    update elder_worker.claims c set expires_at = now() + make_interval(secs => %(ttl)s), run_id = held.run_id
    from held
    where c.job_id = held.job_id and c.token = held.token and c.owner = %(owner)s
    returning c.job_id, held.run_id
)
select kept.run_id, j.cancel_requested from kept join discovery_jobs j on j.id = kept.job_id

-- name: check_claim
-- Locks a claim for the transaction: it can be renewed meanwhile, but not swept. Returns how many resources of its run are stored.
select coalesce((select h.entities_discovered from discovery_history h where h.id = %(run)s), 0)
from elder_worker.claims
where job_id = %(job)s and owner = %(owner)s and token = %(token)s
for key share

-- name: unclaim
-- Gives a claim back; the token stays, so that later writes under it are refused.
update elder_worker.claims set owner = null, expires_at = null, run_id = null
where job_id = %(job)s and owner = %(owner)s and token = %(token)s

-- name: finish_run
-- Stores how a run ended, once.
update discovery_history
set status = %(status)s, error_kind = %(error_kind)s, error = %(error)s, error_detail = %(detail)s, completed_at = now()
where id = %(run)s and status = 'running'

-- name: reschedule
-- Sets when a job is due after a run. A job that was queued during the run is due now. Failures back off; crashes are counted and park.
-- The next time of a cron expression is not known here: `planned` sets it.
update discovery_jobs j
set failures = case when %(failed)s then j.failures + 1 else 0 end,
    crashes = case when %(crashed)s then j.crashes + 1 else 0 end,
    losses = 0,
    cancel_requested = false,
    updated_at = now(),
    cut_off_since = case when %(cut_off)s then coalesce(j.cut_off_since, h.started_at) end,
    status = case when %(crashed)s and j.crashes + 1 >= %(parked_after)s then 'parked' else %(status)s end,
    next_run_at = case
        when %(crashed)s and j.crashes + 1 >= %(parked_after)s then null
        when j.queued_at > h.started_at or %(at_once)s then now()
        when %(cut_off)s and j.schedule_interval is null and j.schedule_cron is null and not j.cancel_requested
             and exists (select from run_scopes r where r.run_id = h.id and r.outcome <> 'not_reached')
             and exists (
                 select from run_scopes r join elder_worker.scopes s on s.id = r.scope_id
                 where r.run_id = h.id and r.outcome = 'not_reached'
                   and coalesce(s.last_attempt_at < coalesce(j.cut_off_since, h.started_at), true)) then now()
        when %(retried)s and not j.cancel_requested
             and (j.schedule_interval is not null or j.schedule_cron is not null or j.failures < %(retries)s)
            then now() + make_interval(secs => %(jitter)s * least(
                %(first)s * power(2, j.failures), %(longest)s, coalesce(j.schedule_interval, %(longest)s)))
        when j.schedule_interval is not null then now() + make_interval(secs => %(jitter)s * j.schedule_interval)
    end
from discovery_history h
where j.id = %(job)s and h.id = %(run)s
returning j.next_run_at <= now()

-- name: sweep
-- Ends runs whose lease has ended more than `overdue` seconds ago: a run that a person cancelled is cancelled (without that delay), any other
-- is lost, and its job is due again. The death of a worker counts as a crash of the job from the `deaths`-th in a row on.
with expired as (
    select c.job_id, j.cancel_requested as cancelled
    from elder_worker.claims c join discovery_jobs j on j.id = c.job_id
    where c.owner is not null
      and c.expires_at < now() - make_interval(secs => case when j.cancel_requested then 0 else %(overdue)s end)
    for update of c skip locked
), freed as (
    update elder_worker.claims c set owner = null, expires_at = null, run_id = null, token = c.token + 1
    from expired where c.job_id = expired.job_id
    returning c.job_id, expired.cancelled
), ended as (
    update discovery_history h
    set status = case when freed.cancelled then 'cancelled' else 'error' end,
        error_kind = case when freed.cancelled then '' else 'lost' end,
        completed_at = now(),
        links_unresolved = true,
        error = case when freed.cancelled then 'the run was cancelled; the worker that ran it is gone'
                     else 'the worker that ran it is gone: its claim was not renewed in time' end
    from freed where h.job_id = freed.job_id and h.status = 'running'
    returning h.id, h.job_id, h.attempt, h.started_at
)
update discovery_jobs j
set failures = case when freed.cancelled then 0 else j.failures + 1 end,
    losses = case when freed.cancelled then 0 else j.losses + 1 end,
    crashes = counted.crashes,
    cancel_requested = false,
    status = case when freed.cancelled then 'cancelled'
                  when counted.crashes >= %(parked_after)s then 'parked' else 'pending' end,
    next_run_at = case
        when freed.cancelled and j.queued_at > ended.started_at then now()
        when freed.cancelled then now() + make_interval(secs => j.schedule_interval)
        when counted.crashes < %(parked_after)s then now()
    end
from freed
join lateral (
    select o.crashes + case when not freed.cancelled and o.losses + 1 >= %(deaths)s then 1 else 0 end as crashes
    from discovery_jobs o where o.id = freed.job_id
) as counted on true
left join ended on ended.job_id = freed.job_id
where j.id = freed.job_id
returning j.id, coalesce(ended.id, 0), j.provider, coalesce(ended.attempt, 0), j.status

-- name: lasted
-- The seconds that swept runs have lasted, and the workers that had them.
select id, coalesce(extract(epoch from completed_at - started_at), 0)::float8, coalesce(worker, '')
from discovery_history where id = any(%s)

-- name: leave_swept
-- Remembers a swept run for the next worker, which counts it.
insert into elder_worker.swept (job_id, run_id, provider, attempt, status) values (%s, %s, %s, %s, %s)

-- name: take_swept
-- Takes the swept runs that no worker has counted yet.
delete from elder_worker.swept returning job_id, run_id, provider, attempt, status

-- name: unpark
-- Makes a parked job due now.
update discovery_jobs set status = 'pending', crashes = 0, losses = 0, failures = 0, next_run_at = now()
where id = %s and status = 'parked'
returning id

-- name: put_credential
-- Stores when the credential of a job ends; null: not known.
update discovery_jobs set credential_expires_at = %(ends)s::timestamptz
where id = %(job)s and credential_expires_at is distinct from %(ends)s::timestamptz
