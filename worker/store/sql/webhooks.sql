-- name: add_webhook
-- Adds a webhook; returns its id.
insert into elder_worker.webhooks (name, url, events, job_id, enabled, secrets, created_by)
values (%(name)s, %(url)s, %(events)s, %(job_id)s, %(enabled)s, %(secrets)s, %(by)s)
returning id

-- name: change_webhook
-- Changes a webhook. Whoever enables it has taken note of why it was disabled.
update elder_worker.webhooks
set name = %(name)s, url = %(url)s, events = %(events)s, job_id = %(job_id)s, enabled = %(enabled)s,
    disabled_reason = case when %(enabled)s then '' else disabled_reason end, updated_at = now()
where id = %(id)s
returning id

-- name: rotate_webhook
-- Gives a webhook a new secret; for `grace` seconds more, deliveries are signed with the old one as well.
update elder_worker.webhooks
set secrets = jsonb_build_object('current', %(secret)s::jsonb)
        || case when %(grace)s > 0 then jsonb_build_object('previous', secrets -> 'current') else '{}' end,
    previous_until = case when %(grace)s > 0 then now() + make_interval(secs => %(grace)s) end,
    updated_at = now()
where id = %(id)s
returning id

-- name: add_delivery
-- Adds a delivery to one webhook, due now; returns its id.
insert into elder_worker.webhook_deliveries (webhook_id, event, payload) values (%(webhook)s, %(event)s, %(payload)s) returning id

-- name: retry_delivery
-- Makes a delivery due now, with all its attempts before it.
update elder_worker.webhook_deliveries
set next_attempt_at = now(), attempts = 0, delivered_at = null, failed_at = null
where id = %(id)s and webhook_id = %(webhook)s
returning id

-- name: claim_delivery
-- Claims the delivery that is due longest of the webhook that was tried longest ago, for `lease` seconds. A webhook gets one delivery at a time; a
-- process that dies meanwhile loses its claim with the lease, and the delivery is due again.
with chosen as (
    select w.id from elder_worker.webhooks w
    where w.enabled and (w.busy_until is null or w.busy_until < now())
      and exists (select from elder_worker.webhook_deliveries d where d.webhook_id = w.id and d.next_attempt_at <= now())
    order by w.last_attempt_at nulls first, w.id
    limit 1
    for update of w skip locked
), due as (
    select d.id, d.webhook_id from elder_worker.webhook_deliveries d join chosen on chosen.id = d.webhook_id
    where d.next_attempt_at <= now()
    order by d.next_attempt_at, d.id
    limit 1
    for update of d
), busy as (
    update elder_worker.webhooks w set busy_until = now() + make_interval(secs => %(lease)s), last_attempt_at = now()
    from due where w.id = due.webhook_id
    returning w.id, w.name, w.url, case when w.previous_until > now() then w.secrets else w.secrets - 'previous' end as secrets
)
update elder_worker.webhook_deliveries d
set attempts = d.attempts + 1, last_attempt_at = now(), next_attempt_at = now() + make_interval(secs => %(lease)s)
from due, busy
where d.id = due.id
returning d.id, d.event_id::text, d.event, d.payload, d.attempts, d.last_attempt_at, busy.id, busy.name, busy.url, busy.secrets

-- name: end_attempt
-- Stores how an attempt ended, unless its claim was lost: delivered, due again after `wait` seconds, or given up; due now if a person has asked for
-- it again meanwhile (no attempt is counted then) and it was not delivered. `reason` disables the webhook, which is locked first, as a claim does.
with hook as (
    select id from elder_worker.webhooks where id = %(webhook)s for update
), ended as (
    update elder_worker.webhook_deliveries d
    set delivered_at = case when %(delivered)s then now() end,
        failed_at = case when not %(delivered)s and %(wait)s::float is null and d.attempts > 0 then now() end,
        next_attempt_at = case when not %(delivered)s and d.attempts = 0 then now() else now() + make_interval(secs => %(wait)s) end,
        status = %(status)s, answer = %(answer)s, error = %(error)s
    from hook
    where d.id = %(id)s and d.webhook_id = hook.id and d.last_attempt_at = %(claimed_at)s and d.next_attempt_at is not null
    returning d.webhook_id
)
update elder_worker.webhooks w
set busy_until = null,
    last_delivered_at = case when %(delivered)s then now() else w.last_delivered_at end,
    last_failed_at = case when %(delivered)s then w.last_failed_at else now() end,
    last_error = %(error)s,
    enabled = w.enabled and %(reason)s = '',
    disabled_reason = case when %(reason)s <> '' then %(reason)s else w.disabled_reason end
from ended
where w.id = ended.webhook_id

-- name: delete_old_deliveries
-- Deletes the oldest deliveries, so many at most; returns how many. One that a person has sent again is as old as its last attempt, or the next.
with deleted as (
    delete from elder_worker.webhook_deliveries where id in (
        select id from elder_worker.webhook_deliveries
        where created_at < now() - make_interval(days => %(days)s)
          and coalesce(greatest(last_attempt_at, next_attempt_at), created_at) < now() - make_interval(days => %(days)s)
        order by created_at limit %(limit)s)
    returning 1
)
select count(*) from deleted
