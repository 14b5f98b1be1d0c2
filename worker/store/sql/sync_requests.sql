-- name: put_connector_worker
-- Records how a connector of a worker stands.
insert into elder_worker.connector_workers (connector, worker, name, next_sync_at, syncing)
values (%(connector)s, %(worker)s, %(name)s, now() + make_interval(secs => %(next_in)s::float8), %(syncing)s)
on conflict (connector, worker) do update
set name = excluded.name, next_sync_at = excluded.next_sync_at, syncing = excluded.syncing, seen_at = now()

-- name: forget_connector_workers
-- Deletes what workers that were not heard of for a day have told of their connectors.
delete from elder_worker.connector_workers where seen_at < now() - interval '1 day'

-- name: leave_connectors
-- Deletes what a worker has told of connectors that it does not have any more, as it stops.
delete from elder_worker.connector_workers where worker = %(worker)s and connector <> all(%(connectors)s::text[])

-- name: give_back_sync_requests
-- Makes requests wait again that a worker has taken up and does not serve any more.
update elder_worker.sync_requests set taken = served
where worker = %(worker)s and taken > served and connector <> all(%(connectors)s::text[])

-- name: request_sync
-- Stores the request for a sync. While one waits that no worker has taken up, nothing changes: one sync serves both.
insert into elder_worker.sync_requests as r (connector, requested_by) values (%(connector)s, %(by)s)
on conflict (connector) do update set number = r.number + 1, requested_at = now(), requested_by = excluded.requested_by
where r.number <= greatest(r.taken, r.served)
returning number

-- name: take_sync_request
-- Gives a request to a worker, unless another one that lives has taken up a request of that connector, or syncs it at the moment. One that
-- took it up just now may be unknown to this transaction, and lives.
update elder_worker.sync_requests r set taken = r.number, worker = %(worker)s, taken_at = now()
where r.connector = %(connector)s and r.number > r.served
  and (r.taken <= r.served or r.worker = %(worker)s
       or (r.taken_at < now() - make_interval(secs => %(alive)s)
           and not exists (
               select from elder_worker.connector_workers w
               where w.connector = r.connector and w.worker = r.worker and w.seen_at > now() - make_interval(secs => %(alive)s))))
  and not exists (
      select from elder_worker.connector_workers w
      where w.connector = r.connector and w.worker <> %(worker)s and w.syncing and w.seen_at > now() - make_interval(secs => %(alive)s))

-- name: taken_sync_requests
-- Returns the requests that a worker has taken up and not served.
select connector, taken from elder_worker.sync_requests where worker = %(worker)s and taken > served

-- name: serve_sync_request
-- Records that the sync of a request has ended, and with it those of earlier ones.
update elder_worker.sync_requests
set served = %(request)s, served_at = now(), sync_id = %(sync)s, error = %(error)s
where connector = %(connector)s and served < %(request)s and taken >= %(request)s

-- name: connector_states
-- Returns for each connector the workers that live and have it, when it syncs next, and the newest request for a sync.
select coalesce(w.connector, r.connector) as name, w.next_sync_at, coalesce(w.workers, '{}') as workers,
       coalesce(w.syncing, '{}') as syncing, r.number, r.requested_at, r.requested_by, r.taken, r.taken_at, r.served, r.served_at, r.sync_id,
       r.error,
       (select t.name from elder_worker.connector_workers t
        where t.connector = r.connector and t.worker = r.worker and r.taken > r.served
          and t.seen_at > now() - make_interval(secs => %(alive)s)) as worker
from (
    select connector, min(next_sync_at) as next_sync_at, array_agg(distinct name) as workers,
           array_agg(distinct name) filter (where syncing) as syncing
    from elder_worker.connector_workers
    where seen_at > now() - make_interval(secs => %(alive)s)
    group by connector
) as w
full join elder_worker.sync_requests r on r.connector = w.connector
where %(name)s::text is null or coalesce(w.connector, r.connector) = %(name)s
