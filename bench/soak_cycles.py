"""Many short lives: nothing may grow with their number, and each has one end."""

from __future__ import annotations

import collections
import heapq
import random
import statistics
import time
from collections.abc import Iterator

from driver import Driver, Usage, zombies

from bench.part import Row, allowance
from bench.soak_kills import AT_ONCE, supervisor
from supervisor import kernel

CHECK_EVERY = 500

MANY_AT_ONCE = 12
"""Half of a week's jobs wait for a deadline: so many keep two cores busy."""

SETTLED = 2_000
"""Jobs after which the growth of memory says something."""

FAULTS = (
    "sleep",
    "ignore_sigterm",
    "escape",
    "children",
    "leave_pipe_open",
    "kill_itself",
    "dirty_log",
    "fill_data_pipe",
    "progress_then_silence",
)
"""Of each, one job in twenty; the others do well."""


class Flow:
    """Keeps as many jobs alive as there are slots, and counts how they end."""

    def __init__(self, driver: Driver, count: int, at_once: int = AT_ONCE) -> None:
        self.driver, self.count, self._at_once = driver, count, at_once
        self.ends: collections.Counter[str] = collections.Counter()
        self.twice = 0
        self._ended: set[str] = set()
        self._later: list[tuple[float, str]] = []

    def run(self, start, ready, at_end=lambda _: None) -> None:
        """`start(run)` asks for a job, and may return when to cancel it; `ready(run)` hears that it is; `at_end(done)` is told the number."""
        started = alive = done = 0
        while done < self.count:
            if allowance.over:
                self.count = started
            while started < self.count and alive < self._at_once:
                run = str(started)
                when = start(run)
                if when is not None:
                    heapq.heappush(self._later, (when, run))
                started, alive = started + 1, alive + 1
            for message in self._heard():
                run = message.get("run", "")
                if message["type"] == "Ready":
                    ready(run)
                elif message["type"] == "Refused":
                    raise AssertionError(message)
                elif message["type"] == "Exited":
                    self.twice += run in self._ended
                    self._ended.add(run)
                    self.ends[message["cause"]] += 1
                    assert message["survivors"] == 0, message
                    self.driver.order(do="send", type="Finished", run=run)  # as a writer does, once it has stored that
                    alive, done = alive - 1, done + 1
                    at_end(done)

    def _heard(self) -> list[dict]:
        while self._later and self._later[0][0] <= time.monotonic():
            self.driver.cancel(heapq.heappop(self._later)[1])
        wait = self._later[0][0] - time.monotonic() if self._later else 30.0
        self.driver.listen(max(0.0, wait))
        messages, self.driver.messages = self.driver.messages, []
        return messages


class Growth:
    """What a supervisor holds after so many jobs."""

    def __init__(self, driver: Driver, every: int) -> None:
        self._driver, self._every = driver, every
        self.samples: list[tuple[int, Usage]] = []
        self.zombies = 0
        self.lag = 0.0

    def look(self, done: int) -> None:
        """Every so often."""
        if done % self._every == 0:
            self.samples.append((done, Usage.of(self._driver.pid)))
            self.zombies += sum(_stays(pid) for pid in zombies(self._driver.pid))
            self.lag = max(self.lag, self._driver.state()["loop_lag_seconds"])

    def rows(self, what: str) -> list[Row]:
        """As figures. The first tenth is warming up."""
        assert self._driver.baseline is not None
        last = min(_looks(self._driver.pid))  # a state that is being published is a descriptor more for a moment
        grown = last.descriptors - self._driver.baseline.descriptors
        settled = self.samples[len(self.samples) // 10 :]
        slope = _slope([(done, usage.resident) for done, usage in settled])
        return [
            Row(
                f"{what}: descriptors / threads / zombies more than at the start",
                f"{grown} / {last.threads - self._driver.baseline.threads} / {self.zombies}",
                "0 / 0 / 0",
                grown <= 0 and last.threads == self._driver.baseline.threads and not self.zombies,
            ),
            Row(
                "  supervisor's resident memory",
                f"{self._driver.baseline.resident / 2**20:.1f} -> {last.resident / 2**20:.1f} MB, {slope * 1000 / 2**20:+.3f} MB a 1,000 jobs",
                "< 0.1 MB a 1,000 jobs",
                self.samples[-1][0] < SETTLED or slope * 1000 < 0.1 * 2**20,
            ),
            Row("  worst lag of the loop seen", f"{self.lag * 1000:.0f} ms", "<= 50 ms", self.lag <= 0.05, timed=True),
        ]


def _looks(pid: int) -> Iterator[Usage]:
    for _ in range(20):
        yield Usage.of(pid)
        time.sleep(0.01)


def _stays(pid: int) -> bool:
    """Whether a zombie is one for longer than its parent needs to reap it."""
    end = time.monotonic() + 5.0
    while time.monotonic() < end:
        found = kernel.process_info(pid)
        if found is None or found.alive:
            return False
        time.sleep(0.02)
    return True


def _slope(points: list[tuple[int, int]]) -> float:
    return statistics.linear_regression(*zip(*points, strict=True)).slope if len(points) > 1 else 0.0


def cycles(count: int) -> list[Row]:
    """Started, and killed at a random point of their lives."""
    random.seed(17)
    with supervisor(pools={"discovery": AT_ONCE}) as driver:
        flow, growth = Flow(driver, count), Growth(driver, max(1, min(CHECK_EVERY, count // 4)))

        def start(run: str) -> float:
            driver.start(run)
            return time.monotonic() + random.uniform(0, 0.3)

        flow.run(start, lambda run: driver.order(do="begin", run=run, body={"fault": "escape"}), growth.look)
        driver.wait_idle()
        return growth.rows(f"{flow.count} starts and kills")


def races(count: int) -> list[Row]:
    """Success within two milliseconds of a deadline; a process needs about three to end."""
    random.seed(16)
    ahead = 0.03
    with supervisor(pools={"discovery": AT_ONCE}) as driver:
        flow = Flow(driver, count)

        def ready(run: str) -> None:
            at = time.monotonic() + ahead
            driver.order(do="send", type="Extend", run=run, lease=ahead)
            driver.order(do="begin", run=run, body={"fault": "exit_at", "at": at - 0.003 + random.uniform(-0.002, 0.002)})

        flow.run(driver.start, ready)
        wins, losses = flow.ends["exited"], flow.ends["lost"]
        once = flow.twice == 0 and wins + losses == flow.count
    return [
        Row(
            f"{flow.count} races of success and deadline: won / lost / ended twice or otherwise",
            f"{wins} / {losses} / {flow.twice + flow.count - wins - losses}",
            "one end each",
            once,
        )
    ]


def week(count: int) -> list[Row]:
    """A week in short: one job in twenty for each of nine faults, the others do well."""
    random.seed(15)
    with supervisor(pools={"discovery": MANY_AT_ONCE}, kill_grace=0.1) as driver:
        flow, growth = Flow(driver, count, MANY_AT_ONCE), Growth(driver, max(1, min(CHECK_EVERY, count // 10)))

        def ready(run: str) -> None:
            number = random.randrange(20)
            fault = FAULTS[number] if number < len(FAULTS) else "complete"
            driver.order(do="begin", run=run, body={"fault": fault, "count": 5})
            if fault != "complete":
                driver.order(do="send", type="Extend", run=run, lease=0.3)

        flow.run(driver.start, ready, growth.look)
        driver.wait_idle()
        shown = ", ".join(f"{cause} {number}" for cause, number in sorted(flow.ends.items()))
        return [*growth.rows(f"{flow.count} jobs, 45 % of them at fault"), Row("  how they ended", shown, "each once", flow.twice == 0)]
