-- name: heartbeat
-- Records that this worker is alive.
insert into elder_worker.workers (owner, name) values (%s, %s)
on conflict (owner) do update set seen_at = now()

-- name: queue_numbers
-- Returns how many jobs are due and for how many seconds the oldest has been.
select count(*), coalesce(extract(epoch from now() - min(j.next_run_at)), 0)
from discovery_jobs j where j.enabled and j.next_run_at <= now() and j.status not in ('parked', 'running')

-- name: claim_tests
-- Claims connectivity tests, the oldest first.
update elder_worker.tests t set owner = %s, claimed_at = now()
where t.id in (
    select id from elder_worker.tests
    where answer is null and owner is null
    order by requested_at limit %s
    for update skip locked
)
returning t.id, t.provider, t.config

-- name: answer_test
-- Stores the answer to a connectivity test that this worker holds.
update elder_worker.tests set answer = %s, answered_at = now()
where id = %s and owner = %s

-- name: workers_seen
-- Counts workers seen in the last seconds.
select count(*) from elder_worker.workers
where seen_at > now() - make_interval(secs => %s)

-- name: forget_test
-- Deletes a connectivity test, and tests that everybody has given up on.
delete from elder_worker.tests
where id = %s or requested_at < now() - interval '1 hour'
