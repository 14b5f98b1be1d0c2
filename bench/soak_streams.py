"""How fast seven jobs stream alone, and beside an eighth that dies in the middle of a frame again and again."""

from __future__ import annotations

import contextlib
import json
import operator
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

from driver import marked
from waiting import until

from bench import ROOT
from bench.part import Row, allowance
from bench.streams import STREAMS, WISH
from supervisor import published
from supervisor.published import PublishedState

SECONDS = 5.0
"""Of one measurement."""

PAUSES = {"at full speed": 0.0, "at a pace that leaves cores free": 0.001}
"""Seconds between two records of a stream. At full speed each process more takes a share of the machine, whatever becomes of it."""

ALONE, DYING, ENDING = "", "die_in_a_frame", "well"
"""What the eighth does; one that ends well tells what is the price of a process, and not of its death."""


class Streams:
    """The supervisor of `bench.streams`, in a folder."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder, self.state = folder, published.create()

    def wish(self, behaviour: str) -> None:
        """What the eighth is to do from now on, put there as a whole."""
        (self._folder / "new").write_text(behaviour)
        (self._folder / "new").rename(self._folder / WISH)

    def count(self, holds: Any = lambda _: True) -> dict[str, Any]:
        """The first count made from now on that fits, with the number of living jobs."""
        now = time.monotonic()

        def fresh() -> dict[str, Any] | None:
            data = PublishedState(self.state).read()
            if not data:
                return None
            state = json.loads(data)
            found = {**(state["report"] or {"at": 0.0}), "alive": len(state["jobs"])}
            return found if found["at"] > now and holds(found) else None

        return until(fresh, "the writer counts", cap=120.0)

    def measure(self, behaviour: str) -> float:
        """Records a second while the eighth does that; what had begun before is waited for."""
        self.wish(behaviour)
        was = _others(self.count())
        first = self.count(lambda now: _others(now) > was if behaviour else now["alive"] == STREAMS)
        last = self.count(lambda now: now["at"] >= first["at"] + SECONDS)
        return sum(_rate(first["streamed"][stream], last["streamed"][stream]) for stream in first["streamed"])


@contextlib.contextmanager
def streaming(pause: float) -> Iterator[Streams]:
    """Seven streams at work; nobody is left at the end."""
    with tempfile.TemporaryDirectory() as folder:
        mark = f"streams-{os.getpid()}-{time.monotonic_ns()}"
        path = os.pathsep.join(str(ROOT / part) for part in ("", "tests", "tests/harness"))
        streams = Streams(pathlib.Path(folder))
        streams.wish(ALONE)
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.streams", folder, str(pause), str(streams.state)],
            pass_fds=(streams.state,),
            env={**os.environ, "PYTHONPATH": path, "TEST_MARK": mark},
            stdout=subprocess.DEVNULL,
        )
        try:
            streams.count(lambda now: now["alive"] == len(now["streamed"]) == STREAMS)
            yield streams
        finally:
            process.terminate()
            process.wait(60)
            os.close(streams.state)
            until(lambda: not marked(mark), "processes are left")


def neighbours(count: int) -> list[Row]:
    """So many rounds at each speed, of three measurements that follow on each other: the machine's other work is then about the same for them."""
    return [row for speed, pause in PAUSES.items() for row in _at(speed, pause, count)]


def _at(speed: str, pause: float, count: int) -> list[Row]:
    rates: dict[str, list[float]] = {ALONE: [], DYING: [], ENDING: []}
    with streaming(pause) as streams:
        for _ in allowance.numbers(count):
            for behaviour, measured in rates.items():
                measured.append(streams.measure(behaviour))
        end = streams.count()
    alone, dying, ending = (statistics.median(measured) for measured in rates.values())
    drop, price = (1 - statistics.median(map(operator.truediv, rates[other], rates[ALONE])) for other in (DYING, ENDING))
    deaths = end["causes"].get("signalled", 0)
    return [
        Row(
            f"{STREAMS} streams {speed}, {len(rates[ALONE])} rounds, records a second: alone / beside deaths in a frame / beside good ends",
            f"{alone:,.0f} / {dying:,.0f} / {ending:,.0f}; in a round {-drop:+.1%} / {-price:+.1%}",
            "deaths cost < 10 %",
            drop < 0.1,
            timed=True,
        ),
        Row(
            f"{deaths} deaths in a frame: batches of the {STREAMS} lost / streams ended",
            f"{end['gaps']} / {end['ended']}",
            "0 / 0",
            deaths > 0 and not end["gaps"] and not end["ended"],
        ),
    ]


def _rate(first: tuple[int, float], last: tuple[int, float]) -> float:
    return (last[0] - first[0]) / (last[1] - first[1]) if last[1] > first[1] else 0.0


def _others(count: dict[str, Any]) -> int:
    return sum(count["causes"].values())
