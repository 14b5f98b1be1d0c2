-- name: add_job
-- Inserts a job: due at once, or by its cron expression.
insert into discovery_jobs (name, description, provider, config, organization_id,
                            schedule_interval, schedule_cron, schedule_timezone, enabled, queue, next_run_at)
values (%(name)s, %(description)s, %(provider)s, %(config)s, %(organization_id)s,
        %(schedule_interval)s, %(schedule_cron)s, %(schedule_timezone)s, %(enabled)s, %(queue)s,
        case when %(schedule_cron)s::text is null then now() end)
returning id

-- name: schedule_job
-- Sets when a job is due whose schedule has changed: by an interval now, or sooner than it was; by a cron expression it is not known here, and
-- `planned` sets it. A job that waits for a worker stays due.
update discovery_jobs
set next_run_at = case
    when schedule_interval is null and schedule_cron is not null then null
    when schedule_interval is null then next_run_at
    when next_run_at is null then now()
    else least(next_run_at, now() + make_interval(secs => schedule_interval))
end
where id = %s and status not in ('parked', 'running') and not coalesce(status = 'pending' and next_run_at <= now(), false)

-- name: unplanned
-- Jobs that nothing makes due but a cron expression.
select id, schedule_cron, schedule_timezone, now() from discovery_jobs
where schedule_cron is not null and next_run_at is null and schedule_interval is null and enabled and status not in ('parked', 'running')
for update skip locked

-- name: unplanned_job
-- One job with a cron expression that is not due: a retry may come after its next time.
select id, schedule_cron, schedule_timezone, now() from discovery_jobs
where id = %s and schedule_cron is not null and schedule_interval is null and enabled and status not in ('parked', 'running')
  and coalesce(next_run_at > now(), true)
for update

-- name: planned
-- Sets the next time of a cron expression; a retry may come first.
update discovery_jobs set next_run_at = least(next_run_at, %(at)s) where id = %(job)s

-- name: delete_job
-- Marks a job as deleted, unless it is running, and drops its config with the secrets. Its runs are deleted in the background.
update discovery_jobs j set deleted_at = now(), enabled = false, next_run_at = null, schedule_interval = null, schedule_cron = null, config = '{}'
where id = %s and deleted_at is null
  and not exists (select from elder_worker.claims c where c.job_id = j.id and c.owner is not null)
returning id

-- name: queue_job
-- Makes a job due now, a parked one too.
update discovery_jobs
set next_run_at = now(),
    queued_at = now(),
    crashes = case when status = 'parked' then 0 else crashes end,
    losses = case when status = 'parked' then 0 else losses end,
    status = case when status = 'running' then status else 'pending' end
where id = %s
returning id as job_id, queued_at

-- name: cancel_job
-- Asks a running job to end, or takes a waiting one from the queue; its next run is by its schedule, or null when on demand.
with before as (
    select id, status from discovery_jobs where id = %s for update
)
update discovery_jobs j
set cancel_requested = before.status = 'running',
    next_run_at = case when before.status = 'pending' then now() + make_interval(secs => j.schedule_interval) else j.next_run_at end,
    status = case when before.status = 'pending' then 'cancelled' else j.status end
from before where j.id = before.id
returning before.status

-- name: pinned_elsewhere
-- Returns the job that is pinned to an identity found at another place, for a job that is not pinned yet; none when a person has accepted what
-- the job reads, or when a job is pinned to the identity at this place, or at one that is not known.
with pinned as (
    select o.id, o.name, o.identity_place as place
    from discovery_jobs j
    join discovery_jobs o on o.provider = j.provider and o.id <> j.id and o.deleted_at is null and o.identity = %(identity)s
    where j.id = %(job)s and j.identity is null and not j.identity_accepted
)
select id, name, place from pinned
where not exists (select from pinned where place in ('', %(place)s))
order by id
limit 1

-- name: pin
-- Pins a job to the identity that it has read, unless it is pinned already, and keeps the place where that was found last.
update discovery_jobs set identity = %(identity)s, identity_place = %(place)s, identity_accepted = false
where id = %(job)s and (identity is null or (identity = %(identity)s and identity_place <> %(place)s))

-- name: jobs_alike
-- Returns other jobs of a provider that read the same source, or that may, as long as one of the two has had no complete run.
select id, name, config, queue, identity from discovery_jobs
where provider = %(provider)s
  and deleted_at is null
  and id is distinct from %(job)s::bigint
  and (
    identity = %(identity)s::text
    or (identity is null or %(identity)s::text is null)
    and config @> %(texts)s
    and config ?| %(secrets)s::text[] = %(sealed)s
  )
order by id desc
limit 100
