-- name: lock_doomed_runs
-- Locks runs that are kept no longer: those of deleted jobs, and those that ended longer ago than history is kept, but for each job's latest run
-- and its latest complete one. Returns their rows.
select h.id from discovery_history h
where h.id in (
    (
        select r.id from discovery_jobs j join discovery_history r on r.job_id = j.id
        where j.deleted_at is not null
        limit %(limit)s
    )
    union all
    (
        select r.id from discovery_history r
        where r.completed_at < now() - make_interval(days => %(days)s)
          and exists (select from discovery_history n where n.job_id = r.job_id and n.id > r.id)
          and (
              r.status <> 'completed'
              or exists (select from discovery_history n where n.job_id = r.job_id and n.id > r.id and n.status = 'completed'))
        order by r.completed_at
        limit %(limit)s
    )
)
limit %(limit)s
for update of h skip locked

-- name: delete_ledger_lines
-- Deletes lines of the ledgers of runs, so many at most.
delete from run_scopes
where ctid in (select ctid from run_scopes where run_id = any(%(runs)s) limit %(lines)s)

-- name: delete_runs
-- Deletes those of the runs that have no ledger any more.
delete from discovery_history h
where h.id = any(%(runs)s) and not exists (select from run_scopes s where s.run_id = h.id)

-- name: delete_jobs
-- Deletes jobs that are marked as deleted and have no runs any more.
delete from discovery_jobs j
where j.deleted_at is not null and not exists (select from discovery_history h where h.job_id = j.id)
