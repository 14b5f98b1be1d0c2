"""Killing in numbers: one deadline after the other, fifty at once, and the supervisor itself at any moment."""

from __future__ import annotations

import contextlib
import pathlib
import random
import signal
import tempfile
import time
from collections.abc import Iterator

from driver import Driver, marked, supervised
from waiting import until

from bench.part import Row, allowance

AT_ONCE = 4
WALL = 0.8
"""Seconds that a job may live: enough to do its fault on an idle machine."""

FAULTS = ("escape", "children", "ignore_sigterm", "gil_hog", "big")
BIG_MB = 500


@contextlib.contextmanager
def supervisor(**config) -> Iterator[Driver]:
    """A supervisor in a folder of its own, with the end check of the tests."""
    with (
        tempfile.TemporaryDirectory() as folder,
        supervised(pathlib.Path(folder), **{"kill_grace": 0, "memory_mb": 1000, **config}) as driver,
    ):
        yield driver


def percentile(values: list[float], share: float) -> float:
    """Of a list."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share / 100))]


def spread(values: list[float]) -> str:
    """In milliseconds."""
    p50, p99, most = (percentile(values, share) * 1000 for share in (50, 99, 100))
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, max {most:.1f} ms"


def kills(count: int) -> list[Row]:
    """Deadlines of jobs that do their worst: grandchildren, escaped ones, deaf ones, 500 MB resident."""
    late: list[float] = []
    dead: list[float] = []
    survivors = begun = 0
    with supervisor(pools={"discovery": AT_ONCE}) as driver:
        for first in allowance.numbers(count, AT_ONCE):
            runs = [str(number) for number in range(first, min(first + AT_ONCE, count))]
            for run in runs:
                driver.start(run, wall=WALL)
            begun += sum(driver.begin(run, FAULTS[int(run) % len(FAULTS)], mb=BIG_MB) for run in runs)
            for run in runs:
                exited = driver.expect("Exited", run=run)
                assert exited["cause"] == "timeout", exited
                dead.append(exited["kill_seconds"])
                late.append(max(0.0, exited["seconds"] - exited["kill_seconds"] - WALL))
                survivors += exited["survivors"]
            survivors += len(marked(driver.mark)) - 2  # the supervisor and its writer
            driver.messages.clear()
    return [
        Row(
            f"deadline -> first signal, {len(dead)} kills ({begun} in the middle of a fault)",
            spread(late),
            "p99 <= 50 ms",
            percentile(late, 99) <= 0.05,
            timed=True,
        ),
        Row("first signal -> whole tree proven dead", spread(dead), "p99 <= 250 ms", percentile(dead, 99) <= 0.25, timed=True),
        Row("survivors", str(survivors), "0", survivors == 0),
    ]


def at_once(count: int) -> list[Row]:
    """So many deadlines in the same moment."""
    with supervisor(pools={"discovery": count}, start_timeout=300.0) as driver:
        runs = [str(number) for number in range(count)]
        for run in runs:
            driver.start(run, wall=600, idle=600)
        for run in runs:
            driver.begin(run, "escape")
        driver.wait_state(lambda s: sum(job["progress"].get("scope") == "escaped" for job in s["jobs"]) == count)
        deadline = time.monotonic() + 1.0
        for run in runs:
            driver.order(do="send", type="Extend", run=run, lease=deadline - time.monotonic())
        survivors = sum(driver.expect("Exited", run=run)["survivors"] for run in runs)
        took = time.monotonic() - deadline
        survivors += len(marked(driver.mark)) - 2
    return [
        Row(f"{count} deadlines at once -> all trees dead", f"{took * 1000:.0f} ms", "<= 2 s", took <= 2.0, timed=True),
        Row("survivors", str(survivors), "0", survivors == 0),
    ]


def orphaned(count: int) -> list[Row]:
    """SIGKILL for the supervisor at a random moment, while it spawns or its jobs misbehave."""
    random.seed(2)
    gone = []
    for _ in allowance.numbers(count):
        with tempfile.TemporaryDirectory() as folder:
            driver = Driver(pathlib.Path(folder), kill_grace=0, pools={"discovery": 8})
            try:
                driver.expect("Slots")
                for number in range(4):
                    driver.start(str(number))
                for number, fault in enumerate(random.sample(["escape", "children", "ignore_sigterm", "sleep"], random.randrange(5))):
                    driver.begin(str(number), fault)
                _pause(random.uniform(0, 0.2))
                driver.send(signal.SIGKILL)
                began = time.monotonic()
                until(lambda mark=driver.mark: not marked(mark), "survivors of the supervisor", pause=0.005)
                gone.append(time.monotonic() - began)
            finally:
                driver.close()
    return [
        Row(
            f"supervisor killed -> nobody left, {len(gone)} times, also while it spawns",
            spread(gone),
            "max <= 1 s, no orphan",
            max(gone) <= 1.0,
            timed=True,
        )
    ]


def _pause(seconds: float) -> None:
    end = time.monotonic() + seconds
    until(lambda: time.monotonic() >= end, pause=0.002)
