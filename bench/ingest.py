"""Ingest, end to end: a process that encodes resources, a pipe, the run thread, PostgreSQL; against a raw COPY of the same rows."""

from __future__ import annotations

import contextlib
import gc
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator

import psycopg
from psycopg.types.json import Jsonb

from providers.records import Identity, Resource, Scope
from providers.runner import BATCH
from providers.sink import ScopeReport
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


def resources(count: int) -> Iterator[Resource]:
    """Rows of about 458 bytes, as an EC2 instance has."""
    padding = "x" * 210
    for n in range(count):
        attributes = {"InstanceId": f"i-{n:017x}", "InstanceType": "m5.large", "State": "running", "Number": n, "Padding": padding}
        yield Resource(
            f"arn:aws:ec2:us-east-1:1:instance/i-{n:017x}", "compute", "ec2_instance", f"host-{n}", attributes, {"team": f"t{n % 7}"}
        )


def produce(count: int, data: int, start: int) -> None:
    """In the job's process: ready first, then everything through the sink that jobs use."""
    made = list(resources(count))
    batches = [made[i : i + BATCH] for i in range(0, count, BATCH)]
    os.read(start, 1)
    sink = FrameSink(data)
    sink.identity(Identity("bench"))
    sink.begin(SCOPE)
    for batch in batches:
        sink.resources(SCOPE, batch)
    sink.end(ScopeReport(SCOPE, "complete", count))  # type: ignore[arg-type]
    sink.complete()


@contextlib.contextmanager
def producer(count: int) -> Iterator[tuple[int, int]]:
    """(data pipe to read, start pipe to write) of such a process; it waits for a byte."""
    data_r, data_w = os.pipe()
    start_r, start_w = os.pipe()
    import fcntl

    fcntl.fcntl(data_w, fcntl.F_SETPIPE_SZ, 1 << 20)
    code = f"from bench.ingest import produce; produce({count}, {data_w}, {start_r})"
    child = subprocess.Popen([sys.executable, "-c", code], pass_fds=(data_w, start_r))
    os.close(data_w)
    os.close(start_r)
    try:
        yield data_r, start_w
    finally:
        child.wait()


def run(url: str, job: int, count: int) -> float:
    """Seconds of one run, from the job's first resource to the stored outcome."""
    with connect(url) as connection:
        [claimed] = claims.claim(connection, OWNER, "bench", 600, 1, job)
    inventory = PostgresInventory(lambda: connect(url), claimed, OWNER, 0.1, lambda _c, _s: 1)
    with producer(count) as (data, start):
        time.sleep(count / 100_000 + 1)  # the resources are made before the clock runs
        done = threading.Event()
        listener = RunStream("bench", data, start, b"{}", inventory, violation=lambda *_: None, done=lambda _: done.set())
        began = time.perf_counter()
        listener.start()
        listener.ready()
        while listener.is_alive() and not listener._conversation.complete:
            time.sleep(0.001)
        listener.exited(Exited(run="bench", cause=Cause.EXITED, exit_code=0))
        done.wait()
        seconds = time.perf_counter() - began
        listener.forget()
    return seconds


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


def measure(count: int) -> list[tuple[str, str, str, str]]:
    """Rows of the table: (what, ours, limit, instead)."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, running(pathlib.Path(folder)) as server:
        url = server.url()
        migrate(url)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("insert into organizations (id, name) values (1, 'bench')")
            job = connection.execute(
                "insert into discovery_jobs (name, provider, config, organization_id) values ('b', 'bench', %s, 1) returning id",
                [Jsonb({})],
            ).fetchone()[0]
            copy = min(raw_copy(url, count) for _ in range(2))
            gc.freeze()  # as the writer does
            connection.execute("checkpoint")
            first = run(url, job, count)
            assert connection.execute("select count(*) from entities").fetchone()[0] == count
            connection.execute("vacuum analyze entities")
            connection.execute("checkpoint")
            before = connection.execute("select pg_current_wal_insert_lsn()").fetchone()[0]
            second = run(url, job, count)
            wal = connection.execute("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)", [before]).fetchone()[0]
            written = connection.execute(
                "select entities_created + entities_updated from discovery_history order by id desc limit 1"
            ).fetchone()[0]
    base = f"raw COPY {count / copy / 1000:.1f} k rows/s"
    return [
        (f"ingest, first run of {count:,}", f"{copy / first:.2f} x raw COPY ({count / first / 1000:.1f} k/s)", ">= 0.6 x", base),
        (
            f"ingest, identical second run of {count:,}",
            f"{copy / second:.2f} x raw COPY ({count / second / 1000:.1f} k/s)",
            ">= 2.5 x",
            base,
        ),
        ("  rows written by the second run", str(written), "0", ""),
        ("  WAL of the second run", f"{float(wal) / count:.3f} bytes a row", "< 1", ""),
    ]
