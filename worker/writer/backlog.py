"""The queue of jobs: a thread of its own, because a database may be slow, deaf or away, and the main loop may not.

It claims when there are slots, renews the leases of what runs, hears of cancellations, sweeps the claims of the dead, and takes the
connectivity tests. When the database is away it says so, and tries again; meanwhile no lease is renewed, and the supervisor ends our runs
before another worker may claim their jobs.
"""

from __future__ import annotations

import collections
import functools
import select
import threading
import time
from collections.abc import Callable, Collection
from typing import Protocol, TypeVar

import structlog

from worker.run.queue import Claimed, Numbers, Queue, State, Swept, Test, Unacceptable, Unreachable
from worker.writer.mailbox import Mailbox

RETRY_SECONDS = (0.5, 1.0, 2.0, 4.0, 5.0)
"""Between two attempts to reach the database."""

STOPPING = "the worker is stopping"
"""Why a job goes back that was claimed too late."""

SWEEP_SECONDS = 5.0
NUMBERS_SECONDS = 5.0
"""Between two looks at the depth of the queue."""

ResultT = TypeVar("ResultT")

_log = structlog.get_logger("worker.backlog")


class Listener(Protocol):
    """Who is told; every call is made in the main thread."""

    def claimed(self, job: Claimed, lease: float) -> None:
        """A job is ours for `lease` seconds."""

    def asked(self, test: Test) -> None:
        """A connectivity test is ours to answer."""

    def renewed(self, run: str, lease: float) -> None:
        """A run is ours for `lease` seconds more."""

    def lost(self, run: str) -> None:
        """A run is not ours any more."""

    def cancelled(self, run: str) -> None:
        """A person wants a run to end."""

    def nothing_due(self) -> None:
        """No job waits that this worker could claim."""

    def swept(self, runs: list[Swept]) -> None:
        """Runs of workers that are gone were ended here."""


class Backlog(threading.Thread):
    """Speaks to the database; the main thread hears of everything through the mailbox."""

    def __init__(
        self,
        connect: Callable[[], Queue],
        mailbox: Mailbox,
        listener: Listener,
        *,
        poll_seconds: float,
        lease_seconds: float,
        job: int | None = None,
    ) -> None:
        """`connect` also brings the schema up to date; `job` narrows the claims to one job, claimed once."""
        super().__init__(name="backlog", daemon=True)
        self._connect, self._mailbox, self._listener = connect, mailbox, listener
        self._poll_seconds, self._lease_seconds, self._job = poll_seconds, lease_seconds, job
        self._inbox, self._deferred = Mailbox(), collections.deque[Callable[[Queue], None]]()
        self._job_claimed = False
        self._held: dict[str, Claimed] = {}
        self._free: dict[str, int] = {}
        self._posted = self._attempt = 0
        self._stopping = threading.Event()
        self._clock = _Clock()
        self.state, self.numbers = State(since=time.time()), Numbers()

    # --- called by the main thread

    def offer(self, free: dict[str, int], received: int) -> None:
        """So many slots are free, now that `received` claims and tests in all have come through the mailbox."""
        self._inbox.post(lambda: self._offered(free, received))

    def defer(self, write: Callable[[Queue], ResultT], then: Callable[[ResultT], None] = lambda _: None) -> None:
        """Writes to the database now, or when it is back; `then` gets the result in the main thread."""

        def whole(queue: Queue) -> None:
            result = write(queue)
            self._mailbox.post(lambda: then(result))

        self._inbox.post(lambda: self._deferred.append(whole))

    def forget(self, run: str) -> None:
        """The run is over: its claim is renewed no more."""
        self._inbox.post(lambda: self._drop(run))

    def stop(self, running: Collection[str] = ()) -> None:
        """Ends the thread once the deferred writes are done, if the database is there. A claim that is not of the `running` goes back."""
        self._inbox.post(lambda: self._release_unstarted(running))

    # --- the thread

    def run(self) -> None:
        """Until `stop`. What nobody foresaw ends the main thread too: without a queue nothing is claimed, and nobody would notice."""
        try:
            self._reconnect_until_stopped()
        except Exception as error:  # noqa: BLE001 - the edge of the thread: it is raised again where it is noticed
            self._mailbox.post(functools.partial(_raise, error))

    def _reconnect_until_stopped(self) -> None:
        while not self._stopping.is_set():
            try:
                self._serve()
            except (Unreachable, Unacceptable) as error:
                self._down(error)
                self._wait(None, RETRY_SECONDS[min(self._attempt, len(RETRY_SECONDS) - 1)])
                self._attempt += 1

    def _serve(self) -> None:
        queue = self._connect()
        try:
            self._up(queue)
            while not self._stopping.is_set():
                self._run_once(queue)
                self._attempt = 0
            self._run_deferred(queue)
        finally:
            queue.close()

    def _run_once(self, queue: Queue) -> None:
        self._run_deferred(queue)
        if self._clock.due("renew", self._lease_seconds / 3):
            self._renew(queue)
        if self._clock.due("sweep", SWEEP_SECONDS) and (swept := queue.sweep()):
            self._post(self._listener.swept, swept)
            self._clock.now("look")
        if self._clock.due("numbers", NUMBERS_SECONDS):
            self.numbers = queue.numbers()
            if self.numbers.depth:  # a schedule or a retry has come due since the last look
                self._clock.now("look")
        if self._clock.due("look", self._poll_seconds):
            self._claim_due(queue)
        self._wait(queue, self._clock.seconds_left())

    def _wait(self, queue: Queue | None, seconds: float) -> None:
        """Waits for the main thread, for a notification, or so long."""
        poller = select.poll()
        poller.register(self._inbox, select.POLLIN)
        if queue is not None:
            poller.register(queue, select.POLLIN)
        poller.poll(seconds * 1000)
        if queue is not None and queue.notified():
            self._clock.now("look")
            self._clock.now("renew")  # the answer also says what was cancelled
        self._inbox.deliver()

    def _renew(self, queue: Queue) -> None:
        asked = time.monotonic()
        held = list(self._held.values())
        renewal = queue.renew(held)
        left = self._lease_left(asked)
        for run in (str(claimed.run_id) for claimed in held):
            if run in renewal.lost:
                self._held.pop(run, None)
                self._post(self._listener.lost, run)
            else:
                self._post(self._listener.renewed, run, left)
                if run in renewal.cancelled:
                    self._post(self._listener.cancelled, run)

    def _claim_due(self, queue: Queue) -> None:
        slots, tests = self._free.get("discovery", 0), self._free.get("test", 0)
        for test in queue.claim_tests(tests) if tests else ():
            self._use_slot("test")
            self._post(self._listener.asked, test)
        if not slots:
            return
        asked = time.monotonic()
        claims = queue.claim(slots, self._job) if not self._job_claimed else []
        self._job_claimed |= self._job is not None and bool(claims)
        for claimed in claims:
            self._held[str(claimed.run_id)] = claimed
            self._use_slot("discovery")
            self._post(self._listener.claimed, claimed, self._lease_left(asked))
        if len(claims) < slots:
            self._post(self._listener.nothing_due)

    def _lease_left(self, asked: float) -> float:
        """Of a lease that the database granted some time after `asked`: what we may rely upon, with a margin for the kill."""
        return max(0.1, self._lease_seconds * 0.9 - (time.monotonic() - asked))

    def _use_slot(self, pool: str) -> None:
        self._free[pool] -= 1
        self._posted += 1

    def _post(self, call: Callable[..., None], *arguments: object) -> None:
        self._mailbox.post(lambda: call(*arguments))

    def _offered(self, free: dict[str, int], received: int) -> None:
        if received == self._posted:  # else it was said before the last claims arrived: another offer is on its way
            grown = any(number > self._free.get(pool, 0) for pool, number in free.items())
            self._free = dict(free)
            if grown:
                self._clock.now("look")

    def _drop(self, run: str) -> None:
        self._held.pop(run, None)

    def _release_unstarted(self, running: Collection[str]) -> None:
        for run, claimed in self._held.items():
            if run not in running:  # it was claimed while the main thread left, which never heard of it
                _log.info(f"job_id: {claimed.job_id} goes back to the queue: {STOPPING}", run=run)
                self._deferred.append(functools.partial(_release, claimed))
        self._deferred.append(lambda queue: queue.release_tests())  # likewise: tests that the main thread received are answered by now
        self._stopping.set()

    def _run_deferred(self, queue: Queue) -> None:
        while self._deferred:
            try:
                self._deferred[0](queue)
            except Unacceptable as error:  # nor would it be the next time, and nothing that comes after it would ever be done
                _log.error(f"the database does not take what is to be stored, which is dropped: {error}")
            self._deferred.popleft()

    def _up(self, queue: Queue) -> None:
        self.state = State("up", time.time(), "", queue.schema)
        self._clock = _Clock()
        _log.info("the database is there", schema=queue.schema)

    def _down(self, error: Exception) -> None:
        if self.state.state == "up" or not self.state.error:
            _log.error(f"the database is out of reach: {error}")
            self.state = State("down", time.time(), str(error))
        else:
            self.state.error = str(error)


def _raise(error: Exception) -> None:
    raise error


def _release(claimed: Claimed, queue: Queue) -> None:
    queue.release(claimed, STOPPING)


class _Clock:
    """What is to be done again and again, each at its own pace; at first everything is due."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}

    def due(self, name: str, seconds: float) -> bool:
        """Whether it is due; if so, the next time is `seconds` from now."""
        now = time.monotonic()
        if self._at.get(name, 0.0) > now:
            return False
        self._at[name] = now + seconds
        return True

    def now(self, name: str) -> None:
        """It is due at once."""
        self._at[name] = 0.0

    def seconds_left(self) -> float:
        """Seconds until the first of them is due."""
        return max(0.0, min(self._at.values(), default=0.0) - time.monotonic())
