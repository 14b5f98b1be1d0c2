"""Claims: once each, fenced by token, swept when the lease has ended."""

from __future__ import annotations

import concurrent.futures
import uuid

import pytest
from store_runs import OWNER, Run, add_job, claim, resources

from worker.run.outcome import Status, Verdict
from worker.run.queue import Unreachable
from worker.store import claims, migrate
from worker.store.connection import connect
from worker.store.errors import LostClaim, Misconfigured, NewerSchema
from worker.store.queue import PostgresQueue

OTHER = str(uuid.UUID(int=2))


def finish(database, claimed, verdict, owner=OWNER):
    with connect(database) as connection, connection.transaction():
        claims.check(connection, owner, claimed)
        claims.finish(connection, owner, claimed, verdict)


def expire(sql):
    sql.execute("update elder_worker.claims set expires_at = now() - interval '1 s'")


def sweep(database) -> int:
    with connect(database) as connection:
        return len(claims.sweep(connection))


def job_row(sql, job):
    return sql.execute(
        "select status, failures, crashes, next_run_at is null, next_run_at <= now() from discovery_jobs where id = %s", [job]
    ).fetchone()


def test_e06_each_job_is_claimed_once(database, sql):
    jobs = {add_job(sql) for _ in range(240)}

    def work(number):
        found = []
        with connect(database) as connection:
            while got := claims.claim(connection, str(uuid.UUID(int=number + 1)), "w", 30.0, 7):
                found += [one.job_id for one in got]
        return found

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = [job for part in pool.map(work, range(8)) for job in part]
    assert sorted(found) == sorted(jobs)
    assert sql.execute("select count(*) from discovery_history where status = 'running'").fetchone() == (240,)


def test_d07_the_provider_with_the_fewest_jobs_at_work_comes_first(database, sql):
    """Fifty of one are due since yesterday, two of another since now: those are not the fifty-first."""
    for _ in range(50):
        add_job(sql)
    sql.execute("update discovery_jobs set next_run_at = now() - interval '1 day'")
    late = {add_job(sql), add_job(sql)}
    sql.execute("update discovery_jobs set provider = 'ldap' where id = any(%s)", [list(late)])
    with connect(database) as connection:
        order = [[one.job_id for one in claims.claim(connection, OWNER, "w", 30.0, 1)] for _ in range(5)]
        rest = claims.claim(connection, OWNER, "w", 30.0, 100)
    first, second, third, fourth, fifth = (job for [job] in order)
    assert {second, fourth} == late, "who has waited longest, then in turn"
    assert not {first, third, fifth} & late
    assert len(rest) == 47


def test_e09_a_lost_owner_is_swept_and_the_job_runs_again(database, sql):
    job = add_job(sql)
    [first] = claim(database)
    assert claim(database, OTHER) == []
    expire(sql)
    assert claim(database, OTHER) == [], "an expired claim is somebody's until it is swept"
    assert sweep(database) == 1
    assert sweep(database) == 0
    [second] = claim(database, OTHER)
    assert (second.job_id, second.token > first.token) == (job, True)
    rows = sql.execute("select status, error_kind, attempt from discovery_history order by id").fetchall()
    assert rows == [("error", "lost", 1), ("running", "", 2)]


def test_e08_a_zombie_finishes_nothing(database, sql):
    add_job(sql)
    [first] = claim(database)
    expire(sql)
    sweep(database)
    [second] = claim(database, OTHER)
    with pytest.raises(LostClaim):
        finish(database, first, Verdict(Status.COMPLETED))
    finish(database, second, Verdict(Status.COMPLETED), OTHER)
    with pytest.raises(LostClaim):
        finish(database, second, Verdict(Status.ERROR, "timeout", "late"), OTHER)
    assert [row[0] for row in sql.execute("select status from discovery_history order by id")] == ["error", "completed"]


def test_case_eng_2_the_death_of_a_worker_counts_from_the_fifth_in_a_row(database, sql):
    """A machine that loses its worker four times is not a reason to park a job; one that kills every worker is."""
    job = add_job(sql)
    seen = []
    for _ in range(claims.DEATHS + 2):
        claim(database, OWNER, job)
        expire(sql)
        sweep(database)
        seen.append(sql.execute("select losses, crashes, status from discovery_jobs where id = %s", [job]).fetchone())

    assert seen[:4] == [(number, 0, "pending") for number in range(1, 5)]
    assert seen[4:] == [(5, 1, "pending"), (6, 2, "pending"), (7, 3, "parked")]


def test_case_eng_2_a_run_that_ends_by_itself_ends_the_row_of_deaths(database, sql):
    job = add_job(sql)
    for _ in range(4):
        claim(database, OWNER, job)
        expire(sql)
        sweep(database)
    [claimed] = claim(database, OWNER, job)
    finish(database, claimed, Verdict(Status.COMPLETED))

    assert sql.execute("select losses, crashes from discovery_jobs where id = %s", [job]).fetchone() == (0, 0)


def test_case_eng_3_only_what_nobody_can_renew_any_more_is_swept_after_a_reconnect(database, sql):
    claim(database, OWNER, add_job(sql))
    expire(sql)

    with connect(database) as connection:
        assert claims.sweep(connection, overdue=330) == []
        sql.execute("update elder_worker.claims set expires_at = now() - interval '331 s'")
        assert len(claims.sweep(connection, overdue=330)) == 1


def test_a_cancelled_run_of_a_worker_that_is_gone_is_swept_at_once(database, sql):
    job = add_job(sql)
    claim(database, OWNER, job)
    expire(sql)
    sql.execute("update discovery_jobs set cancel_requested = true where id = %s", [job])

    with connect(database) as connection:
        assert [one.status for one in claims.sweep(connection, overdue=330)] == ["cancelled"]


def test_e10_a_job_that_keeps_crashing_is_parked_and_can_be_let_go(database, sql):
    job = add_job(sql)
    for _ in range(3):
        [claimed] = claim(database, job=job)
        finish(database, claimed, Verdict(Status.ERROR, "crashed", "it crashed"))
    assert job_row(sql, job) == ("parked", 3, 3, True, None)
    assert claim(database) == []
    with connect(database) as connection:
        assert claims.unpark(connection, job)
        assert not claims.unpark(connection, job)
    assert len(claim(database)) == 1


@pytest.mark.parametrize(
    ("verdict", "schedule", "due"),
    [
        (Verdict(Status.COMPLETED), None, None),
        (Verdict(Status.PARTIAL), 3600, (3400, 3800)),
        (Verdict(Status.CANCELLED), None, None),
        (Verdict(Status.ERROR, "credentials", "no"), None, None),
        (Verdict(Status.ERROR, "config", "no"), 7200, (6800, 7600)),
        (Verdict(Status.ERROR, "timeout", "late"), None, (55, 65)),
        (Verdict(Status.ERROR, "timeout", "late"), 86400, (55, 65)),
        (Verdict(Status.ERROR, "lost", "gone"), None, (-5, 1)),
    ],
)
def test_when_a_job_is_due_again(database, sql, verdict, schedule, due):
    job = add_job(sql, schedule_interval=schedule)
    [claimed] = claim(database)
    finish(database, claimed, verdict)
    [seconds] = sql.execute("select extract(epoch from next_run_at - now()) from discovery_jobs where id = %s", [job]).fetchone()
    assert (seconds is None) if due is None else due[0] <= seconds <= due[1]


def test_failures_back_off_and_a_job_on_demand_is_let_alone_in_the_end(database, sql):
    job = add_job(sql)
    waits = []
    for _ in range(5):
        [claimed] = claim(database, job=job)
        finish(database, claimed, Verdict(Status.ERROR, "idle", "stuck"))
        waits.append(sql.execute("select extract(epoch from next_run_at - now()) from discovery_jobs").fetchone()[0])
    assert waits[3:] == [None, None]
    assert waits[0] < waits[1] < waits[2]


def test_queued_while_it_runs_means_due_when_it_ends(database, sql):
    job = add_job(sql)
    [claimed] = claim(database)
    sql.execute("update discovery_jobs set queued_at = now() + interval '1 s' where id = %s", [job])
    finish(database, claimed, Verdict(Status.COMPLETED))
    assert job_row(sql, job)[4] is True


def test_released_is_as_if_it_had_not_begun(database, sql):
    job = add_job(sql)
    run = Run(database, job)
    run.open(resources(5))
    run.finish(Verdict(Status.RELEASED))
    assert sql.execute("select count(*) from discovery_history").fetchone() == (0,)
    assert job_row(sql, job) == ("pending", 0, 0, False, True)
    assert len(claim(database)) == 1


def test_renewing_tells_what_is_lost_and_what_is_cancelled(database, sql):
    for _ in range(2):
        add_job(sql)
    first, second = claim(database, limit=2)
    sql.execute("update discovery_jobs set cancel_requested = true where id = %s", [first.job_id])
    sql.execute("update elder_worker.claims set token = token + 1 where job_id = %s", [second.job_id])
    queue = PostgresQueue(database, OWNER, "test", 30.0)
    renewal = queue.renew([first, second])
    queue.close()
    assert (renewal.lost, renewal.cancelled) == ({str(second.run_id)}, {str(first.run_id)})


def test_a_replica_that_is_away_hinders_nobody(database, sql):
    add_job(sql)
    queue = PostgresQueue(database, OWNER, "test", 30.0, read_url="postgresql://nobody@127.0.0.1:1/none")
    assert len(queue.claim(1, None)) == 1
    queue.close()


def test_a_notification_is_received(database, sql):
    queue = PostgresQueue(database, OWNER, "test", 30.0)
    assert not queue.notified()
    sql.execute("select pg_notify('elder_worker', 'job')")
    import select

    assert select.select([queue], [], [], 20)[0]
    assert queue.notified()
    queue.close()


# --- migrations


def test_several_at_once(empty_database):
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        assert set(pool.map(migrate.migrate, [empty_database] * 6)) == {migrate.version()}


def test_e12_a_newer_schema_is_refused(database, sql):
    sql.execute("insert into elder_worker.migrations (name, checksum) values ('9999_future', 'x')")
    with pytest.raises(Misconfigured, match="9999_future"):
        migrate.migrate(database)


@pytest.mark.parametrize(("offset", "refused"), [(0, False), (-5, False), (1, True)])
def test_case_eng_12_a_newer_schema_is_worked_with_when_it_says_so(database, sql, offset, refused):
    oldest = f"{int(migrate.version()) + offset:04}"
    sql.execute("insert into elder_worker.migrations (name, checksum, works_with) values ('9999_future', 'x', %s)", [oldest])
    if refused:
        with pytest.raises(
            NewerSchema, match=r"newer version \(9999_future\); this version knows up to .*: install the newer version here too"
        ):
            migrate.migrate(database)
    else:
        assert migrate.migrate(database) == "9999"


def test_case_eng_12_a_migration_is_stored_with_the_code_that_works_with_it(database, sql):
    rows = dict(sql.execute("select name, works_with from elder_worker.migrations").fetchall())
    assert rows == {name: migrate.works_with(body) for name, body in migrate.migrations().items()}
    assert rows["0016_keys_of_07e0fda"] is None
    assert rows["0017_compatible_versions"] == "0016"


def test_a_migration_that_was_changed_is_refused(database, sql):
    sql.execute("update elder_worker.migrations set checksum = 'other'")
    with pytest.raises(Misconfigured, match="in another form"):
        migrate.migrate(database)


def test_nobody_there_is_said_without_the_password():
    with pytest.raises(Unreachable) as caught:
        PostgresQueue("postgresql://elder:canary-password@127.0.0.1:1/elder", OWNER, "test", 30.0)
    assert "canary" not in str(caught.value)
