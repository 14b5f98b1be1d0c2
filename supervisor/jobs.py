"""All jobs: their slots, what the loop watches for them, and the sweeps that prove them dead."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Collection

from supervisor import kernel
from supervisor.bootstrap import Hello
from supervisor.cgroup import Group, Groups
from supervisor.config import SupervisorConfig
from supervisor.errors import SpawnError
from supervisor.folders import Folders
from supervisor.job import Job
from supervisor.loop import Loop, Timer
from supervisor.messages import Cause, Exited, Start
from supervisor.process_tree import Census
from supervisor.snapshot import Isolation, PoolSnapshot
from supervisor.states import JobState

SURVEY = 0.1
"""Seconds between two looks at the trees while jobs run: memory, orphans."""

SWEEP = 0.01
"""Seconds between two looks while a tree is being killed."""

log = logging.getLogger("supervisor.job")


class Jobs:
    """Job processes by run."""

    def __init__(
        self, config: SupervisorConfig, loop: Loop, forward: Callable[[bytes], None], known: Callable[[], Collection[int]]
    ) -> None:
        """`forward` takes lines that jobs log; `known` gives the children of ours that are not jobs."""
        self._config, self._loop, self._forward, self._known = config, loop, forward, known
        self._jobs: dict[str, Job] = {}
        self._unkillable: dict[str, Job] = {}
        self._survey: Timer | None = None
        self.folders, self.groups = Folders(), Groups(config.control_groups)
        self.closed = False
        """Whether no more jobs are taken."""
        self.orphans_killed = 0
        self._hello: Hello | None = None
        self.on_ready: Callable[[Job], None] = lambda _: None
        self.on_exit: Callable[[Job, Exited], None] = lambda _job, _exited: None
        self.on_freed: Callable[[], None] = lambda: None

    def all(self) -> list[Job]:
        """Every job that holds a slot, the unkillable ones too."""
        return [*self._jobs.values(), *self._unkillable.values()]

    def __len__(self) -> int:
        return len(self._jobs)

    def get(self, run: str) -> Job | None:
        """The job of that run."""
        return self._jobs.get(run)

    def free(self) -> dict[str, int]:
        """Free slots of each pool, as far as there is memory for them; an unkillable job keeps its slot."""
        room = self._room // self._config.memory_mb
        return {pool: max(0, min(slots, room)) for pool, slots in self._slots().items()}

    def _slots(self) -> dict[str, int]:
        taken = [job.start.pool for job in self.all()]
        return {pool: size - taken.count(pool) for pool, size in self._config.pools.items()}

    def spawn(self, start: Start) -> Job:
        """Starts a job. Raises `SpawnError` with the reason why there is none."""
        if self.closed:
            raise SpawnError("the worker is stopping")
        if start.run in self._jobs or start.run in self._unkillable:
            raise SpawnError(f"run {start.run} is running already")
        if self._slots().get(start.pool, 0) < 1:
            raise SpawnError(f"no free slot in the pool '{start.pool}'")
        self._admit(start)
        folder, group = self.folders.make(), self.groups.make(start.memory_mb or self._config.memory_mb)
        try:
            job = Job(start, self._config, self._loop, folder, group=group, forward=self._forward, ready=self._ready)
        except BaseException:
            self._discard(folder, group)
            raise
        self._jobs[start.run] = job
        for fd, call in job.descriptors():
            self._loop.watch(fd, call)
        self._loop.watch(job.pidfd, lambda: self._leader_died(job))
        self._soon()
        return job

    def _discard(self, folder: str, group: Group | None) -> None:
        if group:
            self.folders.discard(folder, group.remove)
        else:
            self.folders.discard(folder)

    def close(self) -> None:
        """Removes what was made for jobs."""
        self.folders.close()
        self.groups.close()

    def _ready(self, job: Job) -> None:
        self._hello = job.hello
        self.on_ready(job)

    @property
    def _promised(self) -> int:
        return sum(job.memory.cap_mb for job in self.all())

    @property
    def _room(self) -> int:
        """MB that are promised to nobody."""
        budget = self._config.memory_budget_mb
        return sys.maxsize if budget is None else budget - self._promised

    def _admit(self, start: Start) -> None:
        wanted = start.memory_mb or self._config.memory_mb
        if wanted > self._room:
            budget = self._config.memory_budget_mb
            raise SpawnError(
                f"not enough memory: {self._promised} of {budget} MB are promised to running jobs, {wanted} MB more are wanted"
            )

    def kill_all(self, cause: Cause, sentence: str, *, now: bool = False) -> None:
        """Begins the end of every job."""
        for job in self._jobs.values():
            job.kill(cause, sentence, now=now)
        self._soon()

    def kill(self, run: str, cause: Cause, sentence: str) -> None:
        """Begins the end of one job; none of that name is no error: it may have ended meanwhile."""
        job = self._jobs.get(run)
        if job is not None:
            job.kill(cause, sentence)
            self._soon()

    def _leader_died(self, job: Job) -> None:
        self._loop.forget(job.pidfd)
        job.hear()
        job.leader_died()
        self._soon()

    def look(self) -> None:
        """One look at /proc for all: orphans are killed, zombies reaped, trees weighed and swept."""
        try:
            self._look(Census())
        except OSError as error:  # no descriptor left to look with
            log.error("could not look at the processes, and will again: %s", error.strerror)

    def _look(self, census: Census) -> None:
        self._take_orphans(census)
        for job in self.all():
            job.survey(census)
            if job.state is JobState.DEAD:
                self._bury(job)
            elif job.state is JobState.UNKILLABLE and job.start.run in self._jobs:
                self._set_aside(job)

    def _soon(self) -> None:
        """Sweeps at the pace that the most urgent job needs; not at all without jobs."""
        if self._survey:
            self._survey.cancel()
        killing = any(job.state is JobState.KILLING for job in self.all())
        if self._jobs or self._unkillable:
            self._survey = self._loop.after(SWEEP if killing else SURVEY, self._turn)

    def _turn(self) -> None:
        self.look()
        self._soon()

    def _take_orphans(self, census: Census) -> None:
        known = {*self._known(), *(job.pid for job in self.all())}
        for orphan in census.orphans(known):
            if orphan.alive:
                kernel.send(orphan, signal.SIGKILL)
                self.orphans_killed += 1
                log.warning("killed process %d, which had left the tree of its job", orphan.pid)
            else:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(orphan.pid, os.WNOHANG)

    def _bury(self, job: Job) -> None:
        exited = job.bury()
        self._discard(job.folder, job.group)
        if self._unkillable.pop(job.start.run, None):
            log.warning("run %s could be killed at last", job.start.run)
            self.on_freed()
        else:
            del self._jobs[job.start.run]
            self.on_exit(job, exited)

    def _set_aside(self, job: Job) -> None:
        """It cannot be killed: its run is over, its slot stays taken, and we go on looking."""
        self._unkillable[job.start.run] = self._jobs.pop(job.start.run)
        self.on_exit(job, job.report(exited=False))

    def pools(self) -> dict[str, PoolSnapshot]:
        """What each pool holds."""
        free, unkillable = self._slots(), [job.start.pool for job in self._unkillable.values()]
        return {pool: PoolSnapshot(size, size - free[pool], unkillable.count(pool)) for pool, size in self._config.pools.items()}

    def isolation(self) -> Isolation:
        """What shuts jobs in, as the last job found it."""
        hello = self._hello
        if hello is None:
            return Isolation(orphans_killed=self.orphans_killed)
        cgroup = self.groups.controls if hello.grouped else ()
        return Isolation(hello.pid_namespace, hello.landlock, cgroup, self.orphans_killed)
