"""Runs discovery jobs and connectivity tests from claim to outcome: the main thread's side of `worker.writer.backlog`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import msgspec
import structlog

from providers.errors import ProviderError
from providers.records import MAX_TEXT, Identity
from supervisor.messages import Cause
from worker.check.inventory import NullInventory, sentence
from worker.run.inventory import Inventory
from worker.run.outcome import Status, Verdict
from worker.run.queue import Claimed, Swept, Test
from worker.run.unstored import Unstored, UnstoredOutcomes
from worker.writer.backlog import STOPPING, Backlog
from worker.writer.dispatcher import Assignment, Limits, RunDispatcher
from worker.writer.launch import Launcher
from worker.writer.metrics import lifetime, run_ended

POOL, TEST_POOL = "discovery", "test"

LONGEST_NAME = 200
"""Characters of a job's name in a log. The API refuses longer names, the table does not."""

TEST_LIMITS = Limits(wall=60.0, idle=60.0)
"""Limits of a connectivity test; they are short because a person waits for the answer."""

_OF_SWEPT = {"parked": "it is parked, as it has crashed too often", "cancelled": "a person had cancelled it"}

_log = structlog.get_logger("worker.discovery")


class Discovery:
    """Starts claimed jobs and tests and stores how they end; the `Listener` of the backlog. Used by the main thread only."""

    def __init__(
        self,
        dispatcher: RunDispatcher,
        launcher: Launcher,
        inventory: Callable[[Claimed], Inventory],
        limits: Limits,
        *,
        once: bool = False,
        job: int | None = None,
        unstored: UnstoredOutcomes | None = None,
    ) -> None:
        """`inventory` makes a claim's inventory. With `once`, the service ends when nothing is due, or when `job` has been run.

        `unstored` keeps outcomes until they are stored, for the writer after this one.
        """
        self._unstored = unstored or UnstoredOutcomes()
        self._dispatcher, self._launcher, self._inventory, self._limits = dispatcher, launcher, inventory, limits
        self._once, self._job = once, job
        self._received = 0
        self._offered: tuple[dict[str, int], int] | None = None
        self._draining = self._nothing_due = False
        self._failed = 0
        self.refused_writes = 0
        """Writes refused because another worker took over the job before this worker had a process for it."""
        self._backlog: Backlog | None = None

    def attach(self, backlog: Backlog) -> None:
        """Connects the backlog, which calls this object and is called by it, and has it store what an earlier writer has left."""
        self._backlog = backlog
        for left in self._unstored.left:
            self._finish_left(left)

    @property
    def exit_code(self) -> int | None:
        """Exit code of ``run --once`` once everything due has been run; None before."""
        if not self._once or not self._nothing_due or len(self._dispatcher):
            return None
        if self._job is not None and not self._received:
            _log.error(f"job_id: {self._job} was not run: there is no such job, it is disabled, or another worker runs it")
            return 1
        return 1 if self._failed else 0

    # --- Work

    @property
    def draining(self) -> bool:
        """True once the service stops."""
        return self._draining

    def tick(self) -> None:
        """Tells the backlog how many slots are free when the number has changed."""
        free = {pool: 0 if self._draining else self._dispatcher.free(pool) for pool in (POOL, TEST_POOL)}
        if self._offered != (free, self._received):
            self._offered = (free, self._received)
            self._queue.offer(free, self._received)

    def seconds_left(self) -> float | None:
        """None: discovery needs no timer in the main thread."""
        return None

    def drain(self) -> None:
        """Claims no more jobs and tests."""
        self._draining = True

    # --- Listener

    def claimed(self, job: Claimed, lease: float) -> None:
        """Starts a claimed job, or refuses it with the reason."""
        self._received += 1
        run = str(job.run_id)
        if self._draining:
            self._release(job, STOPPING)
            return
        label = {"job_id": str(job.job_id), "provider": job.provider, "name": job.name[:LONGEST_NAME]}
        try:
            launch = self._launcher.job(run, job.provider, job.config, job_id=job.job_id).after(job.attempted)
        except ProviderError as error:
            verdict = Verdict(Status.ERROR, error.error_kind, str(error)[:MAX_TEXT], error.detail)
            self._dispatcher.without_process(run, label, verdict)
            self._finish_later(job, verdict, lambda stored: self._was_refused(job, verdict, stored))
            self._queue.forget(run)
            return
        assignment = Assignment(
            run=run,
            pool=POOL,
            label=label,
            launch=launch,
            limits=self._limits,
            inventory=self._inventory(job),
            ended=lambda verdict, process: self._ended(job, verdict, process),
            refused=lambda sentence: self._release(job, sentence),
            lease=lease,
            description=f"job_id: {job.job_id}",
            lifetime=lifetime(job.provider),
            keep=functools.partial(self._unstored.keep, job),
            increments=functools.partial(run_ended, job.provider),
        )
        self._dispatcher.start(assignment)

    def asked(self, test: Test) -> None:
        """Starts a connectivity test."""
        self._received += 1
        inventory = NullInventory()
        try:
            launch = self._launcher.job(test.id, test.provider, test.config, kind="test")
        except ProviderError as error:
            self._answer(test, Verdict(Status.ERROR, error.error_kind, str(error)), None)
            return
        assignment = Assignment(
            run=f"test-{test.id}",
            pool=TEST_POOL,
            label={"kind": "test", "provider": test.provider, "name": test.provider},
            launch=launch,
            limits=TEST_LIMITS,
            inventory=inventory,
            ended=lambda verdict, _: self._answer(test, verdict, inventory.found),
            refused=lambda reason: self._answer(test, Verdict(Status.ERROR, "internal", reason), None),
            description=f"connectivity test of {test.provider}",
        )
        self._dispatcher.start(assignment)

    def renewed(self, run: str, lease: float) -> None:
        """Extends the run's lease at the supervisor."""
        self._dispatcher.extend(run, lease)

    def unanswered(self, run: str, seconds: float) -> None:
        """Lets a run go on though its lease cannot be renewed: the database does not answer."""
        self._dispatcher.extend(run, seconds)

    def lost(self, run: str) -> None:
        """Ends a run whose job another worker has or will have."""
        _log.warning("the claim on a run was lost, and the run is ended", run=run)
        self._dispatcher.cancel(run, Cause.LOST, "another worker has taken over the job: this one did not renew its claim in time")

    def cancelled(self, run: str) -> None:
        """Ends a run that a person cancelled."""
        self._dispatcher.cancel(run, Cause.CANCELLED, "the run was cancelled")

    def nothing_due(self) -> None:
        """Records that nothing is due, which ends ``run --once``."""
        self._nothing_due = True

    def swept(self, runs: list[Swept]) -> None:
        """Logs and counts runs that ended because their worker is gone."""
        for run in runs:
            verdict = Verdict(Status.CANCELLED) if run.status == "cancelled" else Verdict(Status.ERROR, "lost")
            consequence = _OF_SWEPT.get(run.status, "it is due again")
            fields = {"run": run.run_id, "provider": run.provider, "attempt": run.attempt, "pid": None, "cause": "lost", "seconds": None}
            _log.error(f"discovery ended with {verdict.status} for job_id: {run.job_id}: its worker is gone, and {consequence}", **fields)
            self._dispatcher.count(str(run.run_id), verdict, run.provider)
            label = {"job_id": str(run.job_id), "provider": run.provider, "worker": run.worker}
            self._dispatcher.without_process(str(run.run_id), label, verdict, run.seconds)

    # --- the end of a run

    @property
    def _queue(self) -> Backlog:
        assert self._backlog is not None
        return self._backlog

    def _release(self, job: Claimed, sentence: str) -> None:
        _log.info(f"job_id: {job.job_id} is returned to the queue: {sentence}", run=job.run_id)
        self._queue.defer(lambda queue: queue.release(job, sentence), self._was_ours)
        self._queue.forget(str(job.run_id))

    def _was_refused(self, job: Claimed, verdict: Verdict, stored: Verdict | None) -> None:
        self._count_stored(job, stored)
        self._ended(job, verdict, {"pid": None, "cause": "refused", "seconds": 0.0})

    def _was_late(self, job: Claimed, verdict: Verdict, stored: Verdict | None) -> None:
        self._count_stored(job, stored)
        if stored is not None and stored.status is not verdict.status:
            self._failed += 1
            _log.error(f"discovery ended with {stored.status} for job_id: {job.job_id}: {stored.error}", run=job.run_id)

    def _finish_later(self, job: Claimed, verdict: Verdict, then: Callable[[Verdict | None], None]) -> None:
        """Stores an outcome now, or when the database is back; `then` gets the verdict as stored, None when the claim was lost."""

        def done(stored: Verdict | None) -> None:
            self._unstored.drop(job.run_id)
            then(stored)

        self._unstored.keep(job, verdict)
        self._queue.defer(lambda queue: queue.finish(job, verdict), done)

    def _finish_left(self, left: Unstored) -> None:
        """Stores an outcome that an earlier writer has left, unless it had been stored or another worker has taken the job over."""
        job, verdict = left.claimed, left.verdict

        def done(stored: Verdict | None) -> None:
            self._unstored.drop(job.run_id)
            if stored is not None:
                self._dispatcher.count(str(job.run_id), stored, job.provider)
                sentence = f"the outcome of a run of job_id: {job.job_id} is stored, which the last writer could not: {stored.status}"
                _log.info(sentence, run=job.run_id, provider=job.provider, error_kind=stored.error_kind, error=stored.error)

        self._queue.defer(lambda queue: queue.finish(job, verdict, left.owner), done)

    def _count_stored(self, job: Claimed, stored: Verdict | None) -> None:
        """Counts an outcome that was stored outside of the run, or the claim that was lost."""
        self._was_ours(stored is not None)
        if stored is not None:
            self._dispatcher.count(str(job.run_id), stored, job.provider)

    def _was_ours(self, ours: bool) -> None:
        self.refused_writes += not ours

    def _ended(self, job: Claimed, verdict: Verdict, process: dict[str, Any]) -> None:
        self._queue.forget(str(job.run_id))
        if verdict.status is Status.RELEASED:
            _log.info(f"job_id: {job.job_id} is returned to the queue: {verdict.error}", run=job.run_id)
            return
        if not verdict.stored and verdict.error_kind != "lost":
            self._finish_later(job, verdict, lambda stored: self._was_late(job, verdict, stored))
        else:
            self._unstored.drop(job.run_id)
        self._failed += not verdict.carried_out
        fields: dict[str, Any] = {"run": job.run_id, "provider": job.provider, "status": verdict.status, "attempt": job.attempt, **process}
        if verdict.carried_out:
            _log.info(f"discovery completed for job_id: {job.job_id}", **fields, note=verdict.error)
        else:
            fields |= {"error_kind": verdict.error_kind, "detail": verdict.detail}
            _log.error(f"discovery ended with {verdict.status} for job_id: {job.job_id}: {verdict.error}", **fields)

    def _answer(self, test: Test, verdict: Verdict, identity: Identity | None) -> None:
        success = verdict.status is Status.COMPLETED
        answer = {
            "success": success,
            "message": sentence(verdict, TEST_LIMITS.wall)
            or f"connected to {test.provider}" + (f" as {identity.name}" if identity else ""),
            "identity": msgspec.to_builtins(identity),
            "error_kind": verdict.error_kind,
        }
        self._queue.defer(lambda queue: queue.answer(test, answer))
