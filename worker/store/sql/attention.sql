-- name: attention
-- Returns what waits for a person: a kind, the job, connector or run that it is about, and a number.
select 'parked' as kind, j.id as number, j.name, j.crashes::bigint as count from discovery_jobs j
where j.status = 'parked' and j.deleted_at is null
union all
select 'failing', j.id, j.name, j.failures from discovery_jobs j
where j.enabled and j.deleted_at is null and (j.status = 'error' or (j.status = 'running' and j.failures > 0))
union all
select 'connector', null, newest.connector, 1
from (select distinct on (connector) connector, status from connector_history where status <> 'running' order by connector, id desc) as newest
where newest.status not in ('completed', 'cancelled')
union all
select 'held', h.run_id, s.owner, count(*)
from (
    select run_id, scope_id from elder_worker.held
    union all
    select run_id, scope_id from elder_worker.losses where held_at is not null
) as h
join elder_worker.scopes s on s.id = h.scope_id
group by h.run_id, s.owner
union all
select 'stale', null, '', count(*) from elder_worker.scopes
where state = 'current' and coalesce(last_complete_at, created_at) < now() - interval '7 days'
  and not (last_complete_at is null and last_outcome in ('unsupported', 'skipped'))
having count(*) > 0
union all
select 'abandoned', null, '', count(*) from elder_worker.scopes
where state = 'abandoned'
having count(*) > 0
union all
select 'unconfirmed', null, s.owner, count(*)
from entities e join elder_worker.scopes s on s.id = e.scope_id
where e.unconfirmed_since is not null and e.is_active
group by s.owner
union all
select 'webhook', w.id, w.name, count(*)
from elder_worker.webhook_deliveries d join elder_worker.webhooks w on w.id = d.webhook_id
where d.failed_at > now() - interval '7 days'
group by w.id
union all
select 'expiring', k.id, k.name, floor(extract(epoch from k.expires_at - now()) / 86400)::bigint from elder_worker.api_keys k
where k.revoked_at is null and k.expires_at between now() - interval '14 days' and now() + interval '14 days'
union all
select 'credential', j.id, j.name, floor(extract(epoch from j.credential_expires_at - now()) / 86400)::bigint from discovery_jobs j
where j.credential_expires_at < now() + interval '30 days' and j.enabled and j.deleted_at is null
union all
select 'credential', null, c.connector, floor(extract(epoch from c.credential_expires_at - now()) / 86400)::bigint
from (
    select distinct on (connector) connector, credential_expires_at from connector_history
    where identity is not null order by connector, id desc
) as c
where c.credential_expires_at < now() + interval '30 days'
union all
select 'denied', r.id, j.name, count(*)
from elder_worker.scopes s
join discovery_history r on r.id = s.last_run
join discovery_jobs j on j.id = r.job_id
where s.state = 'current' and s.last_outcome = 'denied' and r.status = 'partial' and j.enabled and j.deleted_at is null
  and not exists (
      select from discovery_history later
      where later.job_id = r.job_id and later.id > r.id and later.status in ('completed', 'partial', 'error')
  )
group by r.id, j.name
limit 200
