"""Ten thousand accounts, each a job that is due once an hour: how many runs a worker starts and ends, how late they begin, what claims and pages cost.

The source is that of `bench.chaos` with a hundred resources and no pause: what is measured is the service's own share of a run.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pathlib
import platform
import re
import statistics
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator

import psycopg
from cryptography.fernet import Fernet
from peers.port import free_port
from werkzeug.test import Client

from api.app import create_app
from bench import search
from bench.chaos.source import install
from bench.chaos.worker import Worker
from bench.processes import percentile
from worker.config.settings import load
from worker.local.postgres import running
from worker.store import claims
from worker.store.connection import connect
from worker.store.migrate import migrate

JOBS, INTERVAL, RESOURCES = 10_000, 3600, 100
"""Accounts, seconds between two runs of one, and resources of each."""

ADDRESSES = (
    "/",
    "/?status=error",
    "/?page=80",
    "/jobs/1",
    "/api/v1/discovery/jobs?per_page=100",
    "/api/v1/discovery/jobs?status=completed&page=80",
)
CLAIMS, CLAIMERS, ROUNDS = 200, 4, 30

FILL = (
    "insert into organizations (name) select 'organization ' || n from generate_series(1, 100) n",
    """insert into discovery_jobs (name, provider, config, organization_id, schedule_interval, next_run_at)
       select 'account ' || n, 'chaos', jsonb_build_object('job', n, 'resources', %(resources)s::integer / 4), 1 + n %% 100, %(interval)s, now()
       from generate_series(1, %(jobs)s::integer) n""",
    "analyze",
)

Row = tuple[str, str]


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=JOBS)
    parser.add_argument("--seconds", type=float, default=60, help="of each load")
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}, {options.jobs} jobs, {RESOURCES} resources each\n")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for what, measured in measure(pathlib.Path(folder), options.jobs, options.seconds):
            print(f"{what:<64} {measured}", flush=True)
    return 0


def measure(folder: pathlib.Path, jobs: int, seconds: float) -> Iterator[Row]:
    """Rows of the table."""
    install(folder / "site")
    with running(folder / "postgres") as server:
        migrate(server.url())
        with psycopg.connect(server.url(), autocommit=True) as connection:
            for statement in FILL:
                connection.execute(statement, {"jobs": jobs, "interval": INTERVAL, "resources": RESOURCES})
        yield from claimed(server.url(), jobs)
        rate = 0.0
        for workers, slots in ((1, 2), (1, 4), (2, 4)):
            with started(folder / f"{workers}x{slots}", folder / "site", server.url(), workers, slots) as found:
                rate, rows = saturated(server.url(), found, seconds)
                yield from ((f"{workers} worker{'s' * (workers > 1)} of {slots} slots: {what}", measured) for what, measured in rows)
        with started(folder / "half", folder / "site", server.url(), 1, 4):
            yield from spread(server.url(), rate / 2, seconds)
        yield from answers(server.url())


def claimed(url: str, jobs: int) -> Iterator[Row]:
    """Claims while every job is due: one after the other, and by several workers at once."""
    with connect(url) as connection:
        owner = str(uuid.uuid4())
        yield f"a claim among {jobs} due jobs", search.figure(lambda: claims.claim(connection, owner, "bench", 600.0, 1), CLAIMS)
    threads = [threading.Thread(target=_claim, args=(url,)) for _ in range(CLAIMERS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    yield f"claims a second, {CLAIMERS} connections at once", f"{CLAIMERS * CLAIMS / (time.perf_counter() - began):.0f}"
    _reset(url)


def _claim(url: str) -> None:
    with connect(url) as connection:
        owner = str(uuid.uuid4())
        for _ in range(CLAIMS):
            claims.claim(connection, owner, "bench", 600.0, 1)


def _reset(url: str) -> None:
    """Makes every job due and nobody's."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("delete from elder_worker.claims")
        connection.execute("delete from discovery_history where status = 'running'")
        connection.execute("update discovery_jobs set status = 'pending', next_run_at = now()")
        connection.execute("vacuum analyze")


@contextlib.contextmanager
def started(folder: pathlib.Path, site: pathlib.Path, url: str, count: int, slots: int) -> Iterator[list[Worker]]:
    """Workers that are ready; they are stopped at the end, also where one of them has not become ready."""
    with contextlib.ExitStack() as stack:
        workers = []
        for number in range(count):
            workers.append(Worker(folder / str(number), site, free_port(), url, slots=slots))
            stack.callback(workers[-1].stop)
        for worker in workers:
            worker.await_ready()
        yield workers


def saturated(url: str, workers: list[Worker], seconds: float) -> tuple[float, list[Row]]:
    """(runs a second, rows) while more is due than can be run."""
    with psycopg.connect(url, autocommit=True) as connection:
        count = "select count(*) from discovery_history where status = 'completed'"
        connection.execute("update discovery_jobs set next_run_at = now() where next_run_at > now()")
        time.sleep(5)
        before, began, computed = connection.execute(count).fetchone()[0], time.monotonic(), _computed(workers)
        time.sleep(seconds)
        rate = (connection.execute(count).fetchone()[0] - before) / (time.monotonic() - began)
        share = (_computed(workers) - computed) / (time.monotonic() - began)
        wrong = connection.execute("select count(*) from discovery_history where status not in ('completed', 'running')").fetchone()[0]
    rows = [
        ("runs a second", f"{rate:.1f}, so {rate * INTERVAL:,.0f} an hour; {wrong} not completed"),
        (
            "supervisor, writer and http",
            f"{share:.2f} cores, {sum(_memory(worker) for worker in workers) / len(workers):.0f} MB each (RSS)",
        ),
    ]
    return rate, rows


def _services(worker: Worker) -> list[int]:
    return [worker.process.pid, *(one["pid"] for one in worker.status()["services"].values())]


def _computed(workers: list[Worker]) -> float:
    """Seconds of CPU that the services have used, their jobs not counted."""
    total = 0.0
    for worker in workers:
        for pid in _services(worker):
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def _memory(worker: Worker) -> float:
    text = "".join(pathlib.Path(f"/proc/{pid}/status").read_text() for pid in _services(worker))
    return sum(map(int, re.findall(r"VmRSS:\s+(\d+)", text))) / 1024


def spread(url: str, rate: float, seconds: float) -> Iterator[Row]:
    """How late runs begin at so many due a second, each at a moment of its own."""
    count = max(int(rate * seconds), 20)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("update discovery_jobs set next_run_at = now() + interval '1 day'")
        time.sleep(5)
        last = connection.execute("select coalesce(max(id), 0) from discovery_history").fetchone()[0]
        connection.execute(
            "update discovery_jobs set next_run_at = now() + interval '2 s' + (id - 1) * %s * interval '1 s' where id <= %s",
            [1 / rate, count],
        )
        due = dict(
            connection.execute("select id, extract(epoch from next_run_at)::float from discovery_jobs where id <= %s", [count]).fetchall()
        )
        time.sleep(seconds + 10)
        began = connection.execute(
            "select job_id, extract(epoch from started_at)::float from discovery_history where id > %s and job_id <= %s", [last, count]
        ).fetchall()
    late = sorted(moment - due[job] for job, moment in began)
    yield (
        f"1 worker of 4 slots, {rate:.1f} due a second: a run begins after its time",
        f"p50 {statistics.median(late) * 1000:.0f} ms, p95 {percentile(late, 95) * 1000:.0f} ms, max {late[-1]:.1f} s ({len(late)} of {count})",
    )


def answers(url: str) -> Iterator[Row]:
    """Pages and lists of the installation that has come about, without load beside them."""
    app = create_app(load({"DATABASE_URL": url, "ELDER_SECRET_KEYS": Fernet.generate_key().decode()}))
    client = Client(app)
    try:
        for address in ADDRESSES:
            assert client.get(address).status_code == 200, address
            yield address, search.figure(lambda address=address: client.get(address), ROUNDS)
    finally:
        app.extensions["elder"].pool.close()


if __name__ == "__main__":
    sys.exit(main())
