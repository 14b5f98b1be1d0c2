"""Runs keep only the lines of their ledgers that differ from earlier ones; every ledger stays what it was, also when runs are deleted."""

from __future__ import annotations

import random
import threading
from collections import Counter

import pytest
from store_runs import Run, add_job, resources, run_once
from waiting import until

from providers.errors import Outcome
from providers.records import Scope
from worker.run.outcome import Status, Verdict
from worker.store import ledger_chains, releases, retention, statements, tombstones
from worker.store.connection import connect
from worker.store.ledger import with_scopes

LINES = (
    "select run_id, scope_id, provider, account, region, resource_type, coverage, outcome, resources, deleted, held_back, held_links, "
    "held_attributes, message, permission, as_of from elder_worker.run_ledgers order by run_id, scope_id"
)
SCOPES = 40


@pytest.fixture
def job(sql):
    return add_job(sql)


def add_run(sql, job: int, lines: dict[int, tuple[str, int, str]], *, days: float = 2, status: str = "completed") -> int:
    """A run that ended so many days ago; `lines` are outcome, resources and message by scope."""
    (run,) = sql.execute(
        "insert into discovery_history (job_id, status, started_at, completed_at) "
        "values (%s, %s, now() - make_interval(secs => %s), now() - make_interval(secs => %s)) returning id",
        [job, status, days * 86400, days * 86400],
    ).fetchone()
    columns = [[*lines], *([line[part] for line in lines.values()] for part in range(3))]
    sql.execute(
        "insert into run_scopes (run_id, scope_id, provider, account, region, resource_type, outcome, resources, message, detail) "
        "select %s, scope, 'aws', '1', 'r', 't', outcome, resources, message, %s "
        "from unnest(%s::bigint[], %s::text[], %s::integer[], %s::text[]) as line (scope, outcome, resources, message)",
        [run, f"words of run {run}", *columns],
    )
    return run


def whole(count: int = SCOPES, **other: tuple[str, int, str]) -> dict[int, tuple[str, int, str]]:
    """A ledger of complete scopes, but for some others: `s7` is the line of scope 7."""
    return {n: ("complete", n, "") for n in range(1, count + 1)} | {int(name[1:]): line for name, line in other.items()}


def share(database) -> int:
    """Shares until nothing is left; how many lines were removed."""
    removed, more = 0, True
    with connect(database) as connection:
        while more:
            count, more = ledger_chains.extend(connection)
            removed += count
    return removed


def kept(sql) -> dict[int, int]:
    """How many lines each run keeps."""
    both = "(select run_id from run_scopes union all select run_id from elder_worker.ledger_lines) as lines"
    return dict(sql.execute(f"select run_id, count(*) from {both} group by 1").fetchall())


def ledgers(sql) -> list[tuple]:
    """All ledgers as the view has them; the statement of the API, which puts them together in another way, has the same ones."""
    lines = sql.execute(LINES).fetchall()
    runs = [{"id": run} for run in sorted({line[0] for line in lines})]
    served = with_scopes(sql, runs, statements.get("lines_of_runs"), 10 * SCOPES)
    assert sorted((one["id"], *scope.values()) for one in served for scope in one["scopes"]) == sorted(
        (line[0], *line[2:]) for line in lines
    )
    assert [one["outcomes"] for one in served] == [Counter(scope["outcome"] for scope in one["scopes"]) for one in served]
    return lines


def test_a_run_keeps_only_the_lines_that_differ(database, sql, job):
    first = add_run(sql, job, whole())
    second = add_run(sql, job, whole(s7=("denied", 0, "no permission"), s9=("complete", 10, "")))
    third = add_run(sql, job, whole(SCOPES - 1))
    fourth = add_run(sql, job, whole(SCOPES + 1))
    before = ledgers(sql)

    assert share(database) == SCOPES - 2 + SCOPES - 3 + SCOPES
    assert kept(sql) == {first: SCOPES, second: 2, third: 2, fourth: 1}
    assert ledgers(sql) == before
    assert sql.execute("select ledger_without from discovery_history where id = %s", [third]).fetchone() == ([SCOPES],)
    assert share(database) == 0, "each is compared once"


def test_runs_of_the_last_day_keep_all_their_lines(database, sql, job):
    for days in (3, 2, 0.9, 0.1):
        add_run(sql, job, whole(), days=days)
    share(database)

    assert sorted(kept(sql).values()) == [SCOPES] * 3


def test_a_run_that_differs_much_begins_a_chain(database, sql, job):
    add_run(sql, job, whole())
    other = {scope: ("complete", scope + 1, "") for scope in whole()}
    runs = [add_run(sql, job, other) for _ in range(3)]
    before = ledgers(sql)
    share(database)

    assert kept(sql)[runs[0]] == SCOPES
    assert runs[1] not in kept(sql)
    assert ledgers(sql) == before


def test_runs_that_were_cut_short_begin_no_chain(database, sql, job):
    """An error ends a run before its scopes are read: the next one goes on with the chain of the runs before it."""
    first = add_run(sql, job, whole())
    failed = [add_run(sql, job, lines, status="error") for lines in ({}, {1: ("complete", 1, "")})]
    last = add_run(sql, job, whole())
    before = ledgers(sql)
    share(database)

    assert kept(sql) == {first: SCOPES, failed[1]: 1}
    assert sql.execute("select ledger_chain from discovery_history where id = %s", [last]).fetchone() == (first,)
    assert ledgers(sql) == before


def test_a_chain_ends_in_time(database, sql, job, monkeypatch):
    monkeypatch.setattr(ledger_chains, "LONGEST", 3)
    runs = [add_run(sql, job, whole()) for _ in range(7)]
    before = ledgers(sql)
    share(database)

    assert kept(sql) == dict.fromkeys(runs[::3], SCOPES)
    assert ledgers(sql) == before


def test_jobs_share_nothing_with_each_other(database, sql, job):
    runs = [add_run(sql, one, whole()) for one in (job, add_job(sql))]
    share(database)

    assert kept(sql) == dict.fromkeys(runs, SCOPES)


def clean(database, days: int) -> None:
    """Deletes all runs that ended so many days ago."""
    with connect(database) as connection:
        while retention.clean(connection, retention.Kept(history=days)).more:
            pass


def test_lines_that_later_runs_need_are_handed_on_when_a_run_is_deleted(database, sql, job):
    first = add_run(sql, job, whole(), days=100)
    for days, lines in ((99, whole(s3=("timeout", 0, "slow"))), (98, whole(s3=("timeout", 0, "slow"))), (50, whole()), (40, whole())):
        add_run(sql, job, lines, days=days)
    share(database)
    assert kept(sql) == {first: SCOPES, first + 1: 1, first + 3: 1}
    before = ledgers(sql)

    clean(database, 90)
    assert kept(sql) == {first + 3: SCOPES}
    assert ledgers(sql) == [line for line in before if line[0] >= first + 3]
    clean(database, 45)
    assert ledgers(sql) == [line for line in before if line[0] == first + 4]


def test_a_deleted_job_leaves_neither_runs_nor_lines(database, sql, job, monkeypatch):
    monkeypatch.setattr(retention, "RUNS", 2)
    for _ in range(7):
        add_run(sql, job, whole())
    share(database)
    sql.execute("update discovery_jobs set deleted_at = now() where id = %s", [job])
    batches = 0
    with connect(database) as connection:
        while retention.clean(connection, retention.Kept()).more:
            batches += 1
            assert batches < 50

    assert (sql.execute("select count(*) from discovery_history").fetchone(), kept(sql)) == ((0,), {})
    assert sql.execute("select count(*) from discovery_jobs").fetchone() == (0,)


def test_two_workers_that_compare_the_runs_of_one_job(database, sql, job):
    """One waits until the other has committed: what it compares with is what is there then."""
    add_run(sql, job, whole())
    share(database)
    runs = [add_run(sql, job, whole(s5=("denied", 0, "no"))), add_run(sql, job, whole())]
    before = ledgers(sql)
    with connect(database) as one:
        one.execute("begin")
        one.execute("select from discovery_history where id = %s for update", [runs[0]])
        [(chain,)] = one.execute(statements.get("lock_chain"), {"job": job, "run": runs[0]}).fetchall()
        other = threading.Thread(target=share, args=(database,))
        other.start()
        until(lambda: waiting(sql), "the other waits")
        one.execute(statements.get("add_to_chain"), {"run": runs[0], "chain": chain, "whole": True, "longest": 100})
        one.execute("commit")
        other.join(30)

    assert ledgers(sql) == before
    assert kept(sql) == {runs[0] - 1: SCOPES, runs[0]: 1, runs[1]: 1}


def test_a_run_whose_chain_is_deleted_meanwhile_keeps_its_lines(database, sql, job):
    first = add_run(sql, job, whole(), days=100)
    share(database)
    later = add_run(sql, job, whole(), days=50)
    removed: list[int] = []
    with connect(database) as retaining:
        retaining.execute("begin")
        retaining.execute("select from discovery_history where id = %s for update", [first])
        other = threading.Thread(target=lambda: removed.append(share(database)))
        other.start()
        until(lambda: waiting(sql), "the other waits")
        ledger_chains.hand_on(retaining, [first])
        retaining.execute("delete from discovery_history where id = %s", [first])
        retaining.execute("commit")
        other.join(30)

    assert removed == [0]
    assert kept(sql) == {later: SCOPES}


def waiting(sql) -> int:
    return sql.execute("select count(*) from pg_locks where not granted").fetchone()[0]


def test_an_older_run_that_is_compared_later_changes_no_ledger(database, sql, job):
    """A run with a release is compared a month later than the runs after it, as what was released can be held back again until then."""
    runs = [add_run(sql, job, lines) for lines in (whole(), whole(s5=("denied", 0, "no")), whole())]
    sql.execute("insert into elder_worker.releases (owner, run_id) values ('job', %s)", [runs[1]])
    before = ledgers(sql)
    share(database)
    sql.execute("delete from elder_worker.releases")
    share(database)

    assert ledgers(sql) == before
    assert kept(sql) == {runs[0]: SCOPES, runs[1]: SCOPES}


def test_a_run_keeps_its_lines_while_something_of_it_is_held_back_or_can_be_again(database, sql, job):
    for count in (100, 100, 0):
        run_once(database, job, resources(count))
    (held,) = sql.execute("select max(id) from discovery_history").fetchone()
    sql.execute("update discovery_history set completed_at = completed_at - interval '2 days'")
    before = ledgers(sql)
    assert (share(database), set(kept(sql)), ledgers(sql)) == (1, {held - 2, held}, before)

    with connect(database) as connection:
        tombstones.release(connection, held, "ann")
        assert (share(database), set(kept(sql))) == (0, {held - 2, held})
        (release,) = sql.execute("select id from elder_worker.releases").fetchone()
        releases.undo(connection, release, "bob")
    assert ledgers(sql) == before


@pytest.mark.parametrize("seed", range(6))
def test_every_ledger_stays_what_it_was_whatever_runs_there_are(database, sql, seed, monkeypatch):
    monkeypatch.setattr(ledger_chains, "RUNS", 7)
    play, jobs = random.Random(seed), [add_job(sql), add_job(sql)]
    state = {one: whole() for one in jobs}
    for number in range(60):
        one = play.choice(jobs)
        for scope in play.sample(range(1, SCOPES + 5), play.choice((0, 0, 1, 3, 15, 40))):
            line = (play.choice(("complete", "complete", "denied", "error")), play.randrange(3), play.choice(("", "refused")))
            if play.random() < 0.2:
                state[one].pop(scope, None)
            else:
                state[one][scope] = line
        lines = state[one] if play.random() < 0.8 else {}
        add_run(sql, one, lines, days=70 - number, status=play.choice(("completed", "completed", "partial", "error")))
        if play.random() < 0.2:
            sql.execute("insert into elder_worker.releases (owner, run_id) select 'job', max(id) from discovery_history")
        if play.random() < 0.2:
            before = ledgers(sql)
            share(database)
            assert ledgers(sql) == before
    before = ledgers(sql)
    sql.execute("delete from elder_worker.releases")
    share(database)
    assert ledgers(sql) == before
    with connect(database) as connection:
        for days in (60, 40, 20, 5):
            while retention.clean(connection, retention.Kept(history=days)).more:
                pass
            left = {run for (run,) in sql.execute("select id from discovery_history")}
            assert ledgers(sql) == [line for line in before if line[0] in left]


def test_the_api_shows_the_whole_ledger_of_a_run_that_shares_one(elder, database, sql, job):
    for _ in range(2):
        run = Run(database, job)
        run.scope(resources(3))
        run.scope([], Scope("aws", "111", "eu-west-1", "ec2_instance"), Outcome.DENIED, message="no", permission="test:Read")
        run.finish(Verdict(Status.PARTIAL))
    sql.execute("update discovery_history set completed_at = completed_at - interval '2 days'")
    (newest,) = sql.execute("select max(id) from discovery_history").fetchone()
    before = elder.get(f"runs/{newest}")
    share(database)

    assert newest not in kept(sql)
    assert elder.get(f"runs/{newest}") == before
    assert (before["outcomes"], len(before["scopes"])) == ({"complete": 1, "denied": 1}, 2)
