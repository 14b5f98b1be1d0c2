"""Ingest, end to end: a process that encodes resources, a pipe, the run thread, PostgreSQL; against a raw COPY of the same rows."""

from __future__ import annotations

import contextlib
import fcntl
import gc
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import psycopg
from psycopg.types.json import Jsonb

from providers.records import Identity, Resource, Scope
from providers.sink import BATCH, ScopeReport
from supervisor.messages import Cause, Exited
from worker.job.sink import FrameSink
from worker.local.postgres import running
from worker.run import wire
from worker.run.fingerprints import Entry, content_of, key_of
from worker.store import claims
from worker.store.connection import connect
from worker.store.inventory import PostgresInventory
from worker.store.migrate import migrate
from worker.store.rows import COLUMNS, row
from worker.writer.stream import RunStream

OWNER = "00000000-0000-0000-0000-000000000001"
SCOPE = Scope("bench", "1", "r", "ec2_instance")


ROUNDS = 5
"""Each figure is the median of so many rounds; a ratio is of two figures of the same round."""


def resources(count: int, number: int = 0, version: int = 0) -> Iterator[Resource]:
    """Rows of about 458 bytes, as an EC2 instance has; `version` differs in one of a hundred, spread over all."""
    padding = "x" * 210
    for n in range(count):
        state = "running" if n % 100 != 7 or not version else f"version {version}"
        attributes = {"InstanceId": f"i-{n:017x}", "InstanceType": "m5.large", "State": state, "Number": n, "Padding": padding}
        yield Resource(
            f"arn:aws:ec2:us-east-1:{number}:instance/i-{n:017x}", "compute", "ec2_instance", f"host-{n}", attributes, {"team": f"t{n % 7}"}
        )


def produce(count: int, data: int, ready: int, start: int, number: int, version: int, shuffled: int) -> None:
    """Runs in the job's process: sends READY, then everything through the sink that jobs use. `shuffled` is the seed of an order, 0 for none."""
    made = list(resources(count, number, version))
    if shuffled:
        random.Random(shuffled).shuffle(made)
    batches = [made[i : i + BATCH] for i in range(0, count, BATCH)]
    scope = Scope("bench", str(number), "r", "ec2_instance")
    os.write(ready, b".")
    os.read(start, 1)
    sink = FrameSink(data)
    sink.identity(Identity("bench"))
    sink.begin(scope)
    for batch in batches:
        sink.resources(scope, batch)
    sink.end(ScopeReport(scope, "complete", count))  # type: ignore[arg-type]
    sink.complete()


@contextlib.contextmanager
def producer(count: int, number: int, version: int, shuffled: int) -> Iterator[tuple[int, int, int]]:
    """(data pipe to read, pipe that tells when all is made, start pipe to write) of such a process; it waits for a byte."""
    data_r, data_w = os.pipe()
    ready_r, ready_w = os.pipe()
    start_r, start_w = os.pipe()
    fcntl.fcntl(data_w, fcntl.F_SETPIPE_SZ, 1 << 20)
    code = f"from bench.ingest import produce; produce({count}, {data_w}, {ready_w}, {start_r}, {number}, {version}, {shuffled})"
    child = subprocess.Popen([sys.executable, "-c", code], pass_fds=(data_w, ready_w, start_r))
    os.close(data_w)
    os.close(ready_w)
    os.close(start_r)
    try:
        yield data_r, ready_r, start_w
    finally:
        os.close(ready_r)
        child.wait()


class Taken(NamedTuple):
    """The time of runs side by side, from the jobs' first resource to the stored outcomes: on the clock, and of this process's CPU."""

    seconds: float
    cpu: float


def run(url: str, jobs: Sequence[int], count: int, version: int = 0, shuffled: int = 0) -> Taken:
    """Runs all jobs at the same time, each with `count` resources."""
    done = threading.Semaphore(0)
    with contextlib.ExitStack() as stack:
        streams, producers = [], []
        for number, job in enumerate(jobs):
            with connect(url) as connection:
                [claimed] = claims.claim(connection, OWNER, "bench", 600, 1, job)
            inventory = PostgresInventory(lambda: connect(url), claimed, OWNER, 1.0, lambda _c, _s: 1)
            data, ready, start = stack.enter_context(producer(count, number, version, shuffled))
            streams.append(RunStream("bench", data, start, b"{}", inventory, violation=print, done=lambda _: done.release()))
            producers.append(ready)
        for ready in producers:
            os.read(ready, 1)  # the resources are made before the clock runs
        began, cpu = time.perf_counter(), time.process_time()
        for stream in streams:
            stream.start()
            stream.ready()
        while any(stream.is_alive() and not stream._conversation.complete for stream in streams):
            time.sleep(0.001)
        for stream in streams:
            stream.exited(Exited(run="bench", cause=Cause.EXITED, exit_code=0))
        for _ in streams:
            done.acquire()
        taken = Taken(time.perf_counter() - began, time.process_time() - cpu)
        for stream in streams:
            stream.forget()
    return taken


def raw_copy(url: str, count: int) -> float:
    """Seconds of a COPY of the same rows into a table with the same indexes, from lines that are made already."""
    lines = []
    for resource in resources(count):
        entry = wire.encode_resource(resource)
        lines.append(row(Entry(key_of(entry), content_of(entry), entry), lambda _: 1, SCOPE.region).line + b"\tbench\t1\t1\n")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create table raw (like entities including all)")
        began = time.perf_counter()
        with connection.cursor() as cursor, cursor.copy(f"copy raw ({COLUMNS}, provider, account, scope_id) from stdin".encode()) as copy:
            for i in range(0, count, 5000):
                copy.write(b"".join(lines[i : i + 5000]))
        seconds = time.perf_counter() - began
        connection.execute("drop table raw")
    return seconds


def measure(count: int, rounds: int = ROUNDS) -> list[tuple[str, str, str, str]]:
    """Rows of the table: (what, ours, limit, instead)."""
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in BARS}
    rates, wal, written = [], [], 0
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, running(pathlib.Path(folder)) as server:
        url = server.url()
        migrate(url)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("insert into organizations (id, name) values (1, 'bench')")
            jobs = [_job(connection) for _ in range(4)]
            gc.freeze()  # as the writer does
            for number in range(1, rounds + 1):
                connection.execute("truncate entities, dependencies cascade")
                connection.execute("checkpoint")
                copied = raw_copy(url, count)
                rates.append(count / copied)

                def note(name: str, taken: Taken, parts: int = 4, copied: float = copied) -> None:
                    share = parts / 4
                    measured[name].append((share * copied / taken.seconds, taken.cpu / count / share * 1e6))

                note("first run", run(url, jobs[:1], count))
                connection.execute("vacuum analyze entities")
                connection.execute("checkpoint")
                before = _position(connection)
                note("identical second run", run(url, jobs[:1], count))
                wal.append((_position(connection) - before) / count)  # autovacuum, where it runs meanwhile, is among it
                row = connection.execute(
                    "select max(entities_created + entities_updated) from discovery_history where id = "
                    "(select max(id) from discovery_history)"
                ).fetchone()
                written = max(written, row[0])
                note("the same in another order", run(url, jobs[:1], count, 0, number))
                run(url, jobs[:1], count)
                note("1 % changed", run(url, jobs[:1], count, number))
                connection.execute("truncate entities, dependencies cascade")
                note("first run, four jobs in sum", run(url, jobs, count // 4))
                note("identical second run, two jobs in sum", run(url, jobs[:2], count // 4), 2)
                note("identical second run, four jobs in sum", run(url, jobs, count // 4))
    base = f"raw COPY {statistics.median(rates) / 1000:.1f} k rows/s"
    rows = [(f"ingest of {count:,}, {name}", _figure(found), BARS[name], base) for name, found in measured.items()]
    return [
        *rows,
        ("  rows written by the second run", str(written), "0", ""),
        ("  WAL of the second run", f"{statistics.median(wal):.3f} bytes a row ({min(wal):.3f} to {max(wal):.3f})", "< 1", ""),
    ]


BARS = {
    "first run": ">= 0.7 x",
    "identical second run": ">= 5 x",
    "the same in another order": ">= 2.5 x",
    "1 % changed": ">= 4 x",
    "first run, four jobs in sum": ">= 0.8 x",
    "identical second run, two jobs in sum": "",
    "identical second run, four jobs in sum": ">= 5 x",
}


def _job(connection: psycopg.Connection) -> int:
    values = [Jsonb({})]
    return connection.execute(
        "insert into discovery_jobs (name, provider, config, organization_id) values ('b', 'bench', %s, 1) returning id", values
    ).fetchone()[0]


def _position(connection: psycopg.Connection) -> float:
    return float(connection.execute("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')").fetchone()[0])


def _figure(found: list[tuple[float, float]]) -> str:
    ratios, cpu = sorted(ratio for ratio, _ in found), statistics.median(microseconds for _, microseconds in found)
    return f"{statistics.median(ratios):.2f} x raw COPY ({ratios[0]:.2f} to {ratios[-1]:.2f}), writer {cpu:.2f} us each"
