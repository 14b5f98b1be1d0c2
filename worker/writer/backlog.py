"""The thread that talks to the queue of jobs in the database, so that a slow or unreachable database never blocks the main loop.

The thread claims jobs when slots are free, renews the leases of running jobs, passes on cancellations, sweeps expired claims, and claims
connectivity tests. While the database is unreachable it reports that and retries; no lease can be renewed meanwhile. Runs go on for
OUTAGE_GRACE all the same: after an outage each worker sweeps only when LEASE_TTL has passed, so that the others renew their claims first.
If a job was taken over in spite of that, the token check refuses its late writes.
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
from worker.writer.cleanings import Cleanings
from worker.writer.mailbox import Mailbox
from worker.writer.periodic import PeriodicTasks

RETRY_SECONDS = (0.5, 1.0, 2.0, 4.0, 5.0)
"""Seconds between attempts to reach the database; the last one repeats."""

STOPPING = "the worker is stopping"
"""Logged reason for releasing a job that was claimed while the worker was stopping."""

SWEEP_SECONDS = NUMBERS_SECONDS = 5.0
"""Seconds between two sweeps, and between two counts of due jobs."""

CLEAN_SECONDS, CLEAN_PAUSE = 60.0, 0.2
"""Seconds between two looks for runs that are kept no longer, and between two batches of them."""

SIGN_SECONDS, SIGN_PAUSE, SIGN_PAUSE_AT_WORK = 10.0, 0.1, 2.0
"""Seconds between two looks for entities that the search's signatures lack, and between two batches of them: idle, and while jobs run."""

ResultT = TypeVar("ResultT")

_log = structlog.get_logger("worker.backlog")


class Listener(Protocol):
    """Receives what the queue reports. Every method is called in the main thread."""

    def claimed(self, job: Claimed, lease: float) -> None:
        """A job was claimed; the claim holds for `lease` seconds."""

    def asked(self, test: Test) -> None:
        """A connectivity test was claimed and has to be answered."""

    def renewed(self, run: str, lease: float) -> None:
        """The claim of a run was extended by `lease` seconds."""

    def unanswered(self, run: str, seconds: float) -> None:
        """The database does not answer: the run may go on for so many seconds without a renewed claim."""

    def lost(self, run: str) -> None:
        """The claim of a run was lost to another worker."""

    def cancelled(self, run: str) -> None:
        """A person asked to cancel a run."""

    def nothing_due(self) -> None:
        """No due job is left that this worker could claim."""

    def swept(self, runs: list[Swept]) -> None:
        """Runs whose worker is gone were ended by this sweep."""


class Backlog(threading.Thread):
    """Queries the queue of jobs in its own thread, and posts every result to the main thread's mailbox."""

    def __init__(
        self,
        connect: Callable[[], Queue],
        mailbox: Mailbox,
        listener: Listener,
        *,
        poll_seconds: float,
        lease_seconds: float,
        outage_grace: float = 0.0,
        job: int | None = None,
    ) -> None:
        """`connect` also brings the schema up to date; `job` narrows the claims to one job, claimed once.

        `outage_grace` is how many seconds runs go on beyond their lease while the database does not answer.
        """
        super().__init__(name="backlog", daemon=True)
        self._connect, self._mailbox, self._listener = connect, mailbox, listener
        self._poll_seconds, self._lease_seconds, self._job = poll_seconds, lease_seconds, job
        self._outage_grace = outage_grace
        self._answered_at = self._up_at = time.monotonic()
        self._inbox, self._deferred = Mailbox(), collections.deque[Callable[[Queue], None]]()
        self._job_claimed = False
        self._held: dict[str, Claimed] = {}
        self._free: dict[str, int] = {}
        self._posted = self._attempt = 0
        self._stopping = threading.Event()
        self._clock = PeriodicTasks()
        self.state, self.numbers = State(since=time.time()), Numbers()
        self.cleanings = Cleanings()

    # --- called by the main thread

    def offer(self, free: dict[str, int], received: int) -> None:
        """Tells how many slots are free after `received` claims and tests have come through the mailbox."""
        self._inbox.post(lambda: self._offered(free, received))

    def defer(self, write: Callable[[Queue], ResultT], then: Callable[[ResultT], None] = lambda _: None) -> None:
        """Writes to the database now, or when it is back; `then` gets the result in the main thread."""

        def whole(queue: Queue) -> None:
            result = write(queue)
            self._mailbox.post(lambda: then(result))

        self._inbox.post(lambda: self._deferred.append(whole))

    def forget(self, run: str) -> None:
        """Stops renewing the claim of a run that has ended."""
        self._inbox.post(lambda: self._drop(run))

    def stop(self, running: Collection[str] = ()) -> None:
        """Ends the thread after the deferred writes, if the database is reachable. Releases claims that are not in `running`."""
        self._inbox.post(lambda: self._release_unstarted(running))

    # --- the thread

    def run(self) -> None:
        """Runs until `stop`. An unexpected error is raised in the main thread too: without this thread nothing would be claimed."""
        try:
            self._reconnect_until_stopped()
        except Exception as error:  # noqa: BLE001 - edge of the thread: raised again in the main thread
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
            self._inbox.deliver()  # outcomes that an earlier writer has left come before the first sweep
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
        if self._clock.due("sweep", SWEEP_SECONDS) and (swept := queue.sweep(self._overdue())):
            self._post(self._listener.swept, swept)
            self._clock.now("look")
        if self._clock.due("numbers", NUMBERS_SECONDS):
            self.numbers = queue.numbers()
            if self.numbers.depth:  # a schedule or a retry has come due since the last claim
                self._clock.now("look")
        if self._clock.due("look", self._poll_seconds):
            self._claim_due(queue)
        if self._clock.due("clean", CLEAN_SECONDS):  # after the claims: whoever queues a job waits for them alone
            self._clean(queue)
        if self._clock.due("sign", SIGN_SECONDS) and queue.add_signatures():
            self._clock.soon("sign", SIGN_PAUSE_AT_WORK if self._held else SIGN_PAUSE)
        self._wait(queue, self._clock.seconds_left())

    def _clean(self, queue: Queue) -> None:
        cleaned = queue.clean()
        self.cleanings.add(cleaned)
        if cleaned.more:
            self._clock.soon("clean", CLEAN_PAUSE)

    def _wait(self, queue: Queue | None, seconds: float) -> None:
        """Waits for a call from the main thread, a notification, or the end of `seconds`."""
        poller = select.poll()
        poller.register(self._inbox, select.POLLIN)
        if queue is not None:
            poller.register(queue, select.POLLIN)
        poller.poll(seconds * 1000)
        if queue is not None and queue.notified():
            self._clock.now("look")
            self._clock.now("renew")  # the answer also names cancelled runs
            self._clock.now("clean")  # a job may have been deleted
        self._inbox.deliver()

    def _renew(self, queue: Queue) -> None:
        asked = time.monotonic()
        held = list(self._held.values())
        renewal = queue.renew(held)
        self._answered_at = asked
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
        self._answered_at = asked
        self._job_claimed |= self._job is not None and bool(claims)
        for claimed in claims:
            self._held[str(claimed.run_id)] = claimed
            self._use_slot("discovery")
            self._post(self._listener.claimed, claimed, self._lease_left(asked))
        if len(claims) < slots:
            self._post(self._listener.nothing_due)

    def _overdue(self) -> float:
        """Seconds since the end of a lease after which it may be swept: after a reconnect, others have LEASE_TTL to renew theirs.

        Until then only claims are swept whose holder has given up by itself.
        """
        return 0.0 if time.monotonic() - self._up_at >= self._lease_seconds else self._lease_seconds + self._outage_grace

    def _lease_left(self, asked: float) -> float:
        """Seconds left of a lease granted after `asked`, minus a margin for killing the job."""
        return max(0.1, self._lease_seconds * 0.9 - (time.monotonic() - asked))

    def _use_slot(self, pool: str) -> None:
        self._free[pool] -= 1
        self._posted += 1

    def _post(self, call: Callable[..., None], *arguments: object) -> None:
        self._mailbox.post(lambda: call(*arguments))

    def _offered(self, free: dict[str, int], received: int) -> None:
        if received == self._posted:  # else the offer is older than the last claims: a newer one follows
            grown = any(number > self._free.get(pool, 0) for pool, number in free.items())
            self._free = dict(free)
            if grown:
                self._clock.now("look")

    def _drop(self, run: str) -> None:
        self._held.pop(run, None)

    def _release_unstarted(self, running: Collection[str]) -> None:
        for run, claimed in self._held.items():
            if run not in running:  # claimed while the main thread was leaving, and never started
                _log.info(f"job_id: {claimed.job_id} is returned to the queue: {STOPPING}", run=run)
                self._deferred.append(functools.partial(_release, claimed))
        self._deferred.append(lambda queue: queue.release_tests())  # the same for tests; those that were received are answered by now
        self._stopping.set()

    def _run_deferred(self, queue: Queue) -> None:
        while self._deferred:
            try:
                self._deferred[0](queue)
            except Unacceptable as error:  # a retry would fail too, and would block all later writes
                _log.error(f"the database rejects a value, and the write is dropped: {error}")
            self._deferred.popleft()

    def _up(self, queue: Queue) -> None:
        self.state = State("up", time.time(), "", queue.schema)
        self._clock, self._up_at = PeriodicTasks(), time.monotonic()
        _log.info("connected to the database", schema=queue.schema)

    def _down(self, error: Exception) -> None:
        if self.state.state == "up" or not self.state.error:
            _log.error(f"the database is unreachable: {error}")
            self.state = State("down", time.time(), str(error))
            self._go_on_without_answer()
        else:
            self.state.error = str(error)

    def _go_on_without_answer(self) -> None:
        """Lets our runs go on for OUTAGE_GRACE beyond the last lease that the database has granted, however often it comes and goes."""
        left = self._answered_at + self._lease_seconds * 0.9 + self._outage_grace - time.monotonic()
        for run in self._held if left > 0 and self._outage_grace else ():
            self._post(self._listener.unanswered, run, left)


def _raise(error: Exception) -> None:
    raise error


def _release(claimed: Claimed, queue: Queue) -> None:
    queue.release(claimed, STOPPING)
