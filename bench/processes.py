"""Processes: how fast a kill is proven, how fast a job starts, how much memory an idle worker takes."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import psycopg
import urllib3
from peers.port import free_port
from psycopg.types.json import Jsonb

from bench.installation import installed
from worker.local.postgres import running


def kills(count: int) -> list[tuple[str, str, str, str]]:
    """Jobs with a grandchild in a session of its own, killed without grace; another way beside it: SIGKILL to the group."""
    from driver import marked, supervised

    with tempfile.TemporaryDirectory() as folder, supervised(pathlib.Path(folder), kill_grace=0, pools={"discovery": 4}) as driver:
        seconds, survivors = [], 0
        for number in range(count):
            run = str(number)
            driver.run(run, "escape")
            driver.wait_scope(run, "escaped")
            driver.order(do="send", type="Cancel", run=run)
            exited = driver.expect("Exited", run=run)
            seconds.append(exited["kill_seconds"])
            driver.messages.clear()
        survivors = len(marked(driver.mark)) - 2  # the supervisor and its writer
    ours = f"p50 {statistics.median(seconds) * 1000:.0f} ms, p99 {percentile(seconds, 99) * 1000:.0f} ms"
    return [
        (f"kill -> whole tree proven dead, {count} kills", ours, "p99 <= 250 ms", "nobody else proves it"),
        ("  survivors, each job with an escaped grandchild", str(survivors), "0", f"killpg alone: {group_only(20)} of 20"),
    ]


def group_only(count: int) -> int:
    """How many escaped grandchildren survive a SIGKILL of the job's process group, as other tools send it."""
    program = "import os, time\nif os.fork() == 0:\n os.setsid()\n print(os.getpid(), flush=True)\n time.sleep(60)\ntime.sleep(60)"
    left = 0
    for _ in range(count):
        child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, start_new_session=True)
        assert child.stdout
        grandchild = int(child.stdout.readline())
        os.killpg(child.pid, 9)
        child.wait()
        with contextlib.suppress(ProcessLookupError):
            os.kill(grandchild, 9)
            left += 1
    return left


def percentile(values: list[float], share: int) -> float:
    """Of a list."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * share // 100)]


def pss(pid: int) -> int:
    """Bytes of memory that a process is to be charged with, shared pages by their share."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def tree(pid: int) -> list[int]:
    """A process and its descendants."""
    from driver import descendants

    return [pid, *descendants(pid)]


def worker(starts: int) -> list[tuple[str, str, str, str]]:
    """An idle worker's memory, and from the queueing of a job to the start of its process."""
    with tempfile.TemporaryDirectory() as folder, running(pathlib.Path(folder)) as server, installed() as python:
        port = free_port()
        environ = {"PATH": os.environ["PATH"], "DATABASE_URL": server.url(), "HEALTH_CHECK_PORT": str(port), "LOG_LEVEL": "ERROR"}
        with pathlib.Path(folder, "log").open("wb") as log:
            process = subprocess.Popen([python, "-m", "worker.cli", "run"], env=environ, cwd=folder, stdout=log, stderr=log)
        try:
            _ready(port)
            time.sleep(2)  # idle is what it is after the start
            memory = sum(pss(pid) for pid in tree(process.pid))
            delays = [_start(server.url()) for _ in range(starts)]
        finally:
            process.terminate()
            process.wait(40)
    alone = _flask_alone()
    return [
        (
            "idle worker: supervisor + writer + http, PSS",
            f"{memory / 2**20:.0f} MB",
            "<= 90 MB",
            f"gunicorn + Flask alone {alone / 2**20:.0f} MB",
        ),
        (
            f"queued -> run claimed, {starts} jobs",
            f"p50 {statistics.median(delays) * 1000:.0f} ms, p95 {percentile(delays, 95) * 1000:.0f} ms",
            "p95 <= 300 ms",
            "a poll every 5 minutes",
        ),
    ]


def _ready(port: int) -> None:
    http = urllib3.PoolManager(retries=False, timeout=2.0)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            if http.request("GET", f"http://127.0.0.1:{port}/readyz").status == 200:
                return
        time.sleep(0.05)
    raise TimeoutError("the worker is not ready")


def _start(url: str) -> float:
    """Seconds from NOTIFY to the row that says that the job runs."""
    with psycopg.connect(url, autocommit=True) as connection:
        insert = "insert into discovery_jobs (name, provider, config) values ('b', 'kubernetes', %s) returning id"
        config = Jsonb({"server": "https://127.0.0.1:1", "token": {"$fernet": "x"}})
        job = connection.execute(insert, [config]).fetchone()[0]  # type: ignore[index]
        began = time.perf_counter()
        connection.execute("select pg_notify('elder_worker', 'job')")
        while not connection.execute("select 1 from discovery_history where job_id = %s", [job]).fetchone():
            if time.perf_counter() - began > 60:
                raise TimeoutError("nobody takes the job")
            time.sleep(0.002)
        return time.perf_counter() - began


def _flask_alone() -> int:
    """gunicorn with one worker and an empty Flask application."""
    port = free_port()
    program = "from flask import Flask\napp = Flask(__name__)"
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "bare.py").write_text(program)
        command = [sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "--log-level", "error", "bare:app"]
        process = subprocess.Popen(command, cwd=folder)
        try:
            http = urllib3.PoolManager(retries=False, timeout=2.0)
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                with contextlib.suppress(urllib3.exceptions.HTTPError):
                    http.request("GET", f"http://127.0.0.1:{port}/")
                    break
                time.sleep(0.05)
            return sum(pss(pid) for pid in tree(process.pid))
        finally:
            process.terminate()
            process.wait(20)


def job_start(count: int) -> list[tuple[str, str, str, str]]:
    """From the request for a process to READY."""
    from driver import supervised

    ready = []
    with tempfile.TemporaryDirectory() as folder, supervised(pathlib.Path(folder), kill_grace=0) as driver:
        for number in range(count):
            began = time.perf_counter()
            driver.start(str(number))
            driver.expect("Ready", run=str(number))
            ready.append(time.perf_counter() - began)
            driver.order(do="send", type="Cancel", run=str(number))
            driver.expect("Exited", run=str(number))
            driver.messages.clear()
    return [
        (
            f"job process asked for -> READY, {count} starts",
            f"p50 {statistics.median(ready) * 1000:.0f} ms, p95 {percentile(ready, 95) * 1000:.0f} ms",
            "",
            "",
        )
    ]
