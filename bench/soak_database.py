"""The parts of ``make soak`` that are about claims: many claimers on many jobs, and every order in which two holders can meet.

``python -m bench.soak_database`` runs them alone.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import pathlib
import random
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator

from bench.part import Row, allowance
from worker.local.postgres import EmbeddedPostgres
from worker.run.outcome import Status, Verdict
from worker.run.queue import Claimed
from worker.store import claims
from worker.store.connection import Connection, connect, transaction
from worker.store.errors import LostClaim
from worker.store.migrate import migrate

CLAIMERS, JOBS, INTERLEAVINGS = 32, 100_000, 10_000

AUDIT = """
create table ended_twice (run bigint);
create function audit() returns trigger language plpgsql as $$ begin insert into ended_twice values (old.id); return new; end $$;
create trigger audit after update on discovery_history for each row when (old.status <> 'running') execute function audit();
"""
"""Whatever is written to a run that has ended was written by somebody who no longer held it."""


@contextlib.contextmanager
def database() -> Iterator[str]:
    """The URL of a migrated one."""
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(pathlib.Path(folder), durable=False, settings=("max_connections=100", "max_wal_size=4GB"))
        try:
            server.start()
            migrate(server.url())
            yield server.url()
        finally:
            server.close()


def claimers(jobs: int = JOBS) -> list[Row]:
    """E6: so many jobs, all due since the same moment, which is the worst for whoever sorts them, and 32 claimers."""
    with database() as url, connect(url) as connection:
        made = "insert into discovery_jobs (name, provider, config) select 'job ' || n, 'soak', '{}' from generate_series(1, %s) as n"
        connection.execute(made, [jobs])
        connection.execute("analyze discovery_jobs")
        began = time.monotonic()
        stopped = threading.Event()
        with concurrent.futures.ThreadPoolExecutor(CLAIMERS) as pool, _set_at_the_end(stopped):
            claimed = [job for found in pool.map(lambda _: _claim_until_none(url, stopped), range(CLAIMERS)) for job in found]
        seconds = time.monotonic() - began
        runs = _number(connection, "select count(*) from discovery_history")
    twice, never = len(claimed) - len(set(claimed)), jobs - len(set(claimed))
    return [
        Row(
            f"E6: {jobs} jobs, {CLAIMERS} claimers",
            f"{twice} claimed twice, {never} never, {runs} runs",
            "0, 0",
            twice == never == 0 and runs == jobs,
        ),
        Row("claims a second, each with its row in the history", f"{jobs / seconds:.0f}", "", True),
    ]


@contextlib.contextmanager
def _set_at_the_end(event: threading.Event) -> Iterator[None]:
    """Sets an event however the block ends: the pool waits for its threads, also when this process is interrupted."""
    try:
        yield
    finally:
        event.set()


def _claim_until_none(url: str, stopped: threading.Event) -> list[int]:
    """Claims until nothing is due, or the event is set; the numbers of the jobs."""
    found: list[int] = []
    owner = str(uuid.uuid4())
    with connect(url) as connection:
        while not stopped.is_set() and (got := claims.claim(connection, owner, "soak", 3600.0, random.randint(1, 20))):
            found += [one.job_id for one in got]
    return found


def interleavings(count: int = INTERLEAVINGS) -> list[Row]:
    """E7, E8: two holders of one job, whose leases end as soon as they begin, and a sweeper: their steps in a random order."""
    tally = dict.fromkeys(("writes", "refused", "ends", "swept", "jobs"), 0)
    with database() as url, connect(url) as first, connect(url) as second, connect(url) as sweeper:
        sweeper.execute(AUDIT.encode())
        for _ in allowance.numbers(count):
            _one(first, second, sweeper, tally)
        stale = _number(sweeper, "select count(*) from ended_twice")
        endless = _number(sweeper, "select count(*) from discovery_history where status = 'running' or completed_at is null")
        held = _number(sweeper, "select count(*) from elder_worker.claims where owner is not null")
        lost = _number(sweeper, "select count(*) from discovery_history where error_kind = 'lost'")
    shown = f"{tally['writes']} and {tally['ends']} accepted, {tally['refused']} refused as late"
    return [
        Row(f"E7, E8: {tally['jobs']} interleavings of two holders and a sweeper", f"{stale} stale writes accepted", "0", stale == 0),
        Row("writes and ends", shown, "some of each", min(tally.values()) > 0),
        Row(
            "runs swept, without an end, claims held",
            f"{lost}, {endless}, {held}",
            "all that were swept, 0, 0",
            (lost, endless, held) == (tally["swept"], 0, 0),
        ),
    ]


def _number(connection: Connection, query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0


def _one(first: Connection, second: Connection, sweeper: Connection, tally: dict[str, int]) -> None:
    """One job, until all who held it have come to an end."""
    tally["jobs"] += 1
    row = sweeper.execute("insert into discovery_jobs (name, provider, config) values ('i', 'soak', '{}') returning id").fetchone()
    assert row
    holders = [_holder(connection, row[0], tally) for connection in (first, second)]
    while holders:
        choice = random.choice([*holders, None])
        if choice is None:
            tally["swept"] += len(claims.sweep(sweeper))
        elif next(choice, "over") == "over":
            holders.remove(choice)
    tally["swept"] += len(claims.sweep(sweeper))
    sweeper.execute("update discovery_jobs set next_run_at = null where id = %s", [row[0]])


def _holder(connection: Connection, job: int, tally: dict[str, int]) -> Iterator[None]:
    """Claims, writes three times and ends, stopping between all steps, also between the check of the claim and the write."""
    owner = str(uuid.uuid4())
    for _ in range(random.randint(0, 3)):
        yield
    found = claims.claim(connection, owner, "soak", 0.0, 1, job)
    yield
    if not found:
        return
    try:
        for number in range(3):
            with transaction(connection):
                claims.check(connection, owner, found[0])
                yield
                _write(connection, found[0], number)
                yield
            tally["writes"] += 1
            yield
        with transaction(connection):
            claims.check(connection, owner, found[0])
            yield
            claims.finish(connection, owner, found[0], Verdict(random.choice((Status.COMPLETED, Status.PARTIAL, Status.CANCELLED))))
            yield
        tally["ends"] += 1
    except LostClaim:
        tally["refused"] += 1


def _write(connection: Connection, claimed: Claimed, number: int) -> None:
    connection.execute("update discovery_history set entities_discovered = %s where id = %s", [number, claimed.run_id])


def main() -> int:
    """Prints the table."""
    held = True
    for part in (claimers, interleavings):
        began = time.monotonic()
        for row in part():
            print(f"| {row.what} | {row.measured} | {row.bar} | {'yes' if row.held else '**no**'} |", flush=True)
            held &= row.held
        print(f"  {time.monotonic() - began:.0f} s")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
