"""All jobs: their slots, the descriptors that the loop watches for them, and the surveys that prove them dead."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Collection

from supervisor import kernel
from supervisor.bootstrap import ReadyMessage
from supervisor.cgroup import Group, Groups
from supervisor.config import SupervisorConfig
from supervisor.errors import SpawnError
from supervisor.folders import Folders
from supervisor.job import Job
from supervisor.loop import Loop, Timer
from supervisor.messages import Cause, Exited, Start
from supervisor.process_tree import ProcessTable
from supervisor.snapshot import Isolation, PoolSnapshot
from supervisor.spawn_backoff import SpawnBackoff
from supervisor.states import JobState

SURVEY_EVERY = 0.1
"""Seconds between two surveys of the process trees while jobs run: memory, orphans."""

SWEEP_EVERY = 0.01
"""Seconds between two surveys while a tree is being killed."""

log = logging.getLogger("supervisor.job")


class Jobs:
    """Job processes by run."""

    def __init__(
        self, config: SupervisorConfig, loop: Loop, forward: Callable[[bytes], None], known: Callable[[], Collection[int]]
    ) -> None:
        """`forward` takes lines that jobs log; `known` returns the pids of the supervisor's children that are not jobs."""
        self._config, self._loop, self._forward, self._known = config, loop, forward, known
        self._jobs: dict[str, Job] = {}
        self._unkillable: dict[str, Job] = {}
        self._trial: Job | None = None
        self._survey: Timer | None = None
        self._survey_error = ""
        self.folders, self.groups = Folders(), Groups(config.control_groups)
        self.backoff = SpawnBackoff(loop, self._start_trial)
        self.closed = False
        """True when no more jobs are accepted."""
        self.orphans_killed = 0
        self.hidden = 0
        """Number of child processes that /proc hides from the supervisor, at the last survey with jobs."""
        self._last_ready: ReadyMessage | None = None
        self.on_ready: Callable[[Job], None] = lambda _: None
        self.on_exit: Callable[[Job, Exited], None] = lambda _job, _exited: None
        self.on_capacity: Callable[[], None] = lambda: None

    def all(self) -> list[Job]:
        """Every job that holds a slot, unkillable ones included."""
        return [*self._jobs.values(), *self._unkillable.values()]

    def _surveyed(self) -> list[Job]:
        return self.all() if self._trial is None else [*self.all(), self._trial]

    def __len__(self) -> int:
        return len(self._jobs)

    def get(self, run: str) -> Job | None:
        """The job of that run."""
        return self._jobs.get(run)

    # --- slots

    def free(self) -> dict[str, int]:
        """Free slots of each pool, as far as there is memory for them; none while no process can be started."""
        if self.backoff:
            return dict.fromkeys(self._config.pools, 0)
        room = self._unpromised // self._config.memory_mb
        return {pool: max(0, min(slots, room)) for pool, slots in self._slots().items()}

    def _slots(self) -> dict[str, int]:
        taken = [job.start.pool for job in self.all()]
        return {pool: size - taken.count(pool) for pool, size in self._config.pools.items()}

    @property
    def _promised(self) -> int:
        return sum(job.memory.cap_mb for job in self.all())

    @property
    def _unpromised(self) -> int:
        """MB of the budget that no running job's cap takes."""
        budget = self._config.memory_budget_mb
        return sys.maxsize if budget is None else budget - self._promised

    def _check_memory(self, start: Start) -> None:
        wanted = start.memory_mb or self._config.memory_mb
        if wanted > self._unpromised:
            budget = self._config.memory_budget_mb
            raise SpawnError(
                f"not enough memory: {self._promised} of {budget} MB are promised to running jobs, {wanted} MB more are wanted"
            )

    # --- starting

    def spawn(self, start: Start) -> Job:
        """Starts a job. Raises `SpawnError` with the reason why that is not possible."""
        if self.closed:
            raise SpawnError("the worker is stopping")
        if start.run in self._jobs or start.run in self._unkillable:
            raise SpawnError(f"run {start.run} is running already")
        if self.backoff:
            raise SpawnError(self.backoff.sentence)
        if self._slots().get(start.pool, 0) < 1:
            raise SpawnError(f"no free slot in the pool '{start.pool}'")
        self._check_memory(start)
        try:
            job = self._launch(start, self._on_ready)
        except SpawnError as error:
            self.backoff.failed(str(error))
            self.on_capacity()
            raise
        self._jobs[start.run] = job
        self._schedule_survey()
        return job

    def _launch(self, start: Start, ready: Callable[[Job], None]) -> Job:
        folder, group = self.folders.make(), self.groups.make(start.memory_mb or self._config.memory_mb)
        try:
            job = Job(start, self._config, self._loop, folder, control_group=group, forward=self._forward, ready=ready)
        except BaseException:
            self._discard(folder, group)
            raise
        for fd, call in job.descriptors():
            self._loop.watch(fd, call)
        self._loop.watch(job.pidfd, lambda: self._on_leader_died(job))
        return job

    def _discard(self, folder: str, group: Group | None) -> None:
        if group:
            self.folders.discard(folder, group.remove)
        else:
            self.folders.discard(folder)

    def _on_ready(self, job: Job) -> None:
        self._last_ready = job.ready_message
        self.on_ready(job)

    def _start_trial(self) -> None:
        """Starts a process as a job would be started; it gets no START frame, reports READY and leaves."""
        if self.closed or self._trial:
            return
        start = Start(
            run="trial", pool="", title="a trial start", label={}, wall=self._config.start_timeout, idle=self._config.start_timeout
        )
        try:
            self._trial = self._launch(start, lambda _: None)
        except SpawnError as error:
            self.backoff.failed(str(error))
            return
        for fd in self._trial.for_writer:
            os.close(fd)
        self._schedule_survey()

    def _on_trial_ended(self, job: Job, exited: Exited) -> None:
        self._trial = None
        if job.ready_message:
            self.backoff.succeeded()
            self.on_capacity()
        else:
            self.backoff.failed(exited.sentence)

    # --- ending

    def kill_all(self, cause: Cause, sentence: str, *, now: bool = False) -> None:
        """Begins to kill every job."""
        for job in self._jobs.values():
            job.kill(cause, sentence, now=now)
        self._schedule_survey()

    def kill(self, run: str, cause: Cause, sentence: str) -> None:
        """Begins to kill one job; does nothing when it has ended already."""
        job = self._jobs.get(run)
        if job is not None:
            job.kill(cause, sentence)
            self._schedule_survey()

    def close(self) -> None:
        """Removes the folders and groups of jobs."""
        self.folders.close()
        self.groups.close()

    def _on_leader_died(self, job: Job) -> None:
        self._loop.forget(job.pidfd)
        job.on_control_readable()
        job.leader_died()
        self._schedule_survey()

    def survey(self) -> None:
        """Reads /proc once for all jobs: kills orphans, reaps zombies, measures trees and kills what is left of dying ones."""
        try:
            self._survey_trees(ProcessTable())
            self._survey_error = ""
        except OSError as error:  # no descriptor is left
            if not self._survey_error:
                log.error("the processes cannot be listed, which is tried again: %s", error.strerror)
            self._survey_error = error.strerror or str(error)

    def _survey_trees(self, processes: ProcessTable) -> None:
        self._end_orphans(processes)
        self.hidden = processes.hidden
        for job in self._surveyed():
            job.survey(processes)
            if job.state is JobState.DEAD:
                self._finish(job)
            elif job.state is JobState.UNKILLABLE and job.start.run in self._jobs:
                self._set_aside(job)

    def _schedule_survey(self) -> None:
        """Surveys at the pace that the most urgent job needs; not at all without jobs."""
        if self._survey:
            self._survey.cancel()
        jobs = self._surveyed()
        killing = any(job.state is JobState.KILLING for job in jobs)
        if jobs:
            self._survey = self._loop.after(SWEEP_EVERY if killing else SURVEY_EVERY, self._survey_again)

    def _survey_again(self) -> None:
        self.survey()
        self._schedule_survey()

    def _end_orphans(self, processes: ProcessTable) -> None:
        known = {*self._known(), *(job.pid for job in self._surveyed())}
        for orphan in processes.orphans(known):
            if orphan.alive:
                kernel.send_signal(orphan, signal.SIGKILL)
                self.orphans_killed += 1
                log.warning("killed process %d, which had left the process tree of its job", orphan.pid)
            else:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(orphan.pid, os.WNOHANG)

    def _finish(self, job: Job) -> None:
        exited = job.reap()
        self._discard(job.folder, job.control_group)
        if job is self._trial:
            self._on_trial_ended(job, exited)
        elif self._unkillable.pop(job.start.run, None):
            log.warning("run %s could be killed at last", job.start.run)
            self.on_capacity()
        else:
            del self._jobs[job.start.run]
            if exited.cause is Cause.RESOURCES:
                self.backoff.failed(exited.sentence)
            self.on_exit(job, exited)

    def _set_aside(self, job: Job) -> None:
        """Ends the run of a job that cannot be killed: its slot stays taken, and the surveys go on."""
        self._unkillable[job.start.run] = self._jobs.pop(job.start.run)
        self.on_exit(job, job.report(exited=False))

    # --- what is published

    def pools(self) -> dict[str, PoolSnapshot]:
        """The pools: capacity, running jobs, unkillable jobs."""
        free, unkillable = self._slots(), [job.start.pool for job in self._unkillable.values()]
        return {pool: PoolSnapshot(size, size - free[pool], unkillable.count(pool)) for pool, size in self._config.pools.items()}

    def isolation(self) -> Isolation:
        """The isolation that the last job reported."""
        ready = self._last_ready
        if ready is None:
            return Isolation(orphans_killed=self.orphans_killed)
        cgroup = self.groups.controls if ready.in_control_group else ()
        return Isolation(ready.pid_namespace, ready.landlock, ready.ports, ready.seccomp, cgroup, self.orphans_killed)
