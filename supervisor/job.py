"""One job process and everything that descends from it: its clocks, its pipes, and the ladder by which it is killed.

The ladder: SIGTERM to the group (and SIGCONT, for the stopped) -> the grace -> SIGABRT to the group: the job writes its Python stacks ->
SIGKILL to the group -> SIGKILL to whatever is left of the tree, until it is proven dead. The leader stays unreaped until then, so that
neither its number nor its group's can be given to anybody else.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import msgspec

from supervisor import bootstrap, kernel, pipes
from supervisor.bootstrap import Cell, Hello
from supervisor.census import Census
from supervisor.clocks import Clocks
from supervisor.config import SupervisorConfig
from supervisor.errors import ProtocolError
from supervisor.frames import FrameReader, Kind
from supervisor.kernel import Member
from supervisor.loop import Loop, Timer
from supervisor.messages import Cause, Exited, Start
from supervisor.obituary import obituary
from supervisor.output import Lines, Pump, Tail
from supervisor.process import spawn_process
from supervisor.states import JobState, advance

STACK_DUMP = 0.1
"""Seconds between SIGABRT and SIGKILL."""

MAX_CONTROL_FRAME = 64 * 1024

MB = 1024 * 1024


class Job:
    """A run's process tree, from spawn to proof of death."""

    def __init__(
        self,
        start: Start,
        config: SupervisorConfig,
        loop: Loop,
        folder: str,
        *,
        forward: Callable[[bytes], None],
        ready: Callable[[Job], None],
    ) -> None:
        """Spawns. `folder` is its own; `forward` takes the lines that it logs, `ready` hears that it may be sent its START.

        Raises `SpawnError`.
        """
        self.start, self.state = start, JobState.STARTING
        self.memory_mb = start.memory_mb or config.memory_mb
        self.cause: Cause | None = None
        self.peak_bytes = self.memory_bytes = 0
        self.progress: dict[str, Any] = {}
        self.kill_seconds: float | None = None
        self.hello: Hello | None = None
        self.survivors = 0
        self._config, self._loop, self._ready = config, loop, ready
        self._sentence = ""
        self._seen: set[tuple[int, int]] = set()
        self._rung: Timer | None = None
        self._killed_at: float | None = None
        self._decided_at: float | None = None
        self._calm_passes = 0
        self.folder = folder
        self.pid, self.pidfd = self._spawn()
        self.started_at = time.monotonic()
        self._tail, self._lines = Tail(), Lines(forward)
        self._pumps = (Pump(self._stdout, self._lines.take), Pump(self._stderr, self._tail.take))
        self._control = FrameReader(self._control_fd, MAX_CONTROL_FRAME)
        self.clocks = Clocks(loop, start, config.start_timeout, self.kill, self._waiting)

    # --- birth

    def _spawn(self) -> tuple[int, int]:
        ours, theirs = pipes.make()
        arguments = {"parent": os.getpid(), "entry": self._config.job_entry, "pipes": theirs, "cell": self._cell()}
        try:
            pid, pidfd = spawn_process(f"job {self.start.run}", bootstrap.run_job, arguments, list(theirs.values()))
        except BaseException:
            pipes.close(ours)
            raise
        finally:
            pipes.close(theirs)
        self._control_fd, self._stdout, self._stderr = ours["control"], ours["stdout"], ours["stderr"]
        self.data, self.for_writer = ours["data"], (ours["copy"], ours["start"])
        return pid, pidfd

    def _cell(self) -> Cell:
        config = self._config
        return Cell(
            self.folder, self.memory_mb, config.pid_namespaces, config.confine_files, self.start.read_paths, config.forbidden_modules
        )

    def descriptors(self) -> tuple[tuple[int, Callable[[], None]], ...]:
        """What the loop is to watch, and what to call."""
        return ((self._control.fd, self.hear), *((pump.fd, self._pumper(pump)) for pump in self._pumps))

    def _pumper(self, pump: Pump) -> Callable[[], None]:
        def turn() -> None:
            pump.turn()
            if pump.eof:
                self._loop.forget(pump.fd)

        return turn

    # --- life

    def hear(self) -> None:
        """Reads the control pipe; what breaks the protocol is the end of the job."""
        try:
            for kind, body in self._control.read():
                self._take(kind, body)
        except (ProtocolError, msgspec.ValidationError, msgspec.DecodeError) as error:
            self._loop.forget(self._control.fd)
            self.kill(Cause.PROTOCOL, f"the job broke the protocol on its control pipe: {error}")
        if self._control.eof:
            self._loop.forget(self._control.fd)

    def _take(self, kind: Kind, body: bytes) -> None:
        if kind is Kind.READY and self.state is JobState.STARTING:
            hello = msgspec.json.decode(body, type=Hello)
            if (hello.pid, hello.pgid) != (self.pid, self.pid):
                raise ProtocolError("READY names another process")
            self.state = advance(self.state, JobState.RUNNING)
            self.hello = hello
            self.clocks.ready()
            self._ready(self)
        elif kind is Kind.PROGRESS and self.state is not JobState.STARTING:
            progress = msgspec.json.decode(body, type=dict[str, int | str])
            if progress != self.progress:
                self.progress = progress
                self.clocks.moved()
        elif kind is not Kind.PROGRESS and kind is not Kind.READY:
            raise ProtocolError(f"{kind.name} has no place on the control pipe")
        else:
            raise ProtocolError(f"{kind.name} out of order")

    def _waiting(self) -> bool:
        """Whether what it wrote lies unread: then it is the reader that is slow."""
        return kernel.bytes_waiting(self.data) > 0

    # --- death

    @property
    def dying(self) -> bool:
        """Whether its end has begun."""
        return self.state not in (JobState.STARTING, JobState.RUNNING)

    def kill(self, cause: Cause, sentence: str, *, now: bool = False) -> None:
        """Begins the ladder; the first cause is the one that counts. `now` skips its lower rungs."""
        if self.dying:
            if now and self.state in (JobState.TERMINATING, JobState.ABORTING):
                self._kill_group()
            return
        self.cause, self._sentence, self._decided_at = cause, sentence, time.monotonic()
        self.clocks.stop()
        if now or self.state is JobState.STARTING or cause is Cause.MEMORY or not self._config.kill_grace:
            self._kill_group()
            return
        self.state = advance(self.state, JobState.TERMINATING)
        self._signal_group(signal.SIGTERM)
        self._signal_group(signal.SIGCONT)
        self._rung = self._loop.after(self._config.kill_grace, self._abort)

    def _abort(self) -> None:
        self.state = advance(self.state, JobState.ABORTING)
        self._signal_group(signal.SIGABRT)
        self._rung = self._loop.after(STACK_DUMP, self._kill_group)

    def _kill_group(self) -> None:
        if self._rung:
            self._rung.cancel()
        grouped = self.state is not JobState.STARTING
        self.state = advance(self.state, JobState.KILLING)
        self._killed_at = time.monotonic()
        if grouped:  # before READY its group may still be ours
            self._signal_group(signal.SIGKILL)
        self._signal_leader(signal.SIGKILL)

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)  # the number is pinned: the leader is not reaped yet

    def _signal_leader(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, number)

    def leader_died(self) -> None:
        """The leader is a zombie; what it left behind is now to be killed."""
        self.clocks.stop()
        if self.state in (JobState.KILLING, JobState.UNKILLABLE):
            return
        if self._rung:
            self._rung.cancel()
        grouped = self.state is not JobState.STARTING
        self.state = advance(self.state, JobState.KILLING)
        self._killed_at = time.monotonic()
        if grouped:
            self._signal_group(signal.SIGKILL)

    def survey(self, census: Census) -> None:
        """Looks at the tree: its memory while it lives, its survivors when it is being killed."""
        members = [member for member in census.tree(self.pid, self._seen) if member.alive]
        self._seen.update((member.pid, member.started) for member in members)
        if not self.dying:
            self._weigh(members)
        elif self.state in (JobState.KILLING, JobState.UNKILLABLE):
            self._signal_leader(signal.SIGKILL)
            for member in members:
                kernel.send(member, signal.SIGKILL)
            self._count(len(members))

    def _weigh(self, members: list[Member]) -> None:
        self.memory_bytes = self._weight(members)
        self.peak_bytes = max(self.peak_bytes, self.memory_bytes)
        if self.memory_bytes > self.memory_mb * MB:
            used = self.memory_bytes // MB
            self.kill(Cause.MEMORY, f"the job and its children used {used} MB, over their cap of {self.memory_mb} MB")

    def _weight(self, members: list[Member]) -> int:
        sizes = {member: kernel.resident_bytes(member.pid) for member in members}
        if not (self.hello and self.hello.pid_namespace):
            return kernel.resident_bytes(self.pid) + sum(sizes.values())
        beside = [sizes.pop(member) for member in members if member.parent == self.pid]
        return max(beside, default=0) + sum(sizes.values())  # the holder and the init have but pages that they share with the job

    def _count(self, members: int) -> None:
        leader = kernel.member(self.pid)
        self.survivors = members + bool(leader and leader.alive)
        self._calm_passes = 0 if self.survivors else self._calm_passes + 1
        assert self._killed_at is not None
        if self._calm_passes >= 2:  # a fork may hide from one look
            self.state = advance(self.state, JobState.DEAD)
            if self._decided_at is not None:
                self.kill_seconds = time.monotonic() - self._decided_at
        elif self.state is JobState.KILLING and time.monotonic() - self._killed_at > self._config.unkillable_after:
            self.state = advance(self.state, JobState.UNKILLABLE)

    def bury(self) -> Exited:
        """Reaps the leader, closes and removes what was the job's, and says how it ended. Once, when DEAD."""
        result = os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED)
        assert result is not None
        for pump in self._pumps:
            pump.drain()
        self._lines.end()
        for fd in (self._control.fd, self._stdout, self._stderr, self.data, self.pidfd):
            self._loop.forget(fd)
            os.close(fd)
        return self.report(result.si_code == os.CLD_EXITED, result.si_status)

    def report(self, exited: bool = True, status: int | None = None) -> Exited:
        """How it ended, or that it will not."""
        return obituary(
            run=self.start.run,
            cause=self.cause,
            sentence=self._sentence,
            exited=exited,
            status=status,
            detail=self._tail.text(),
            peak_bytes=self.peak_bytes,
            seconds=time.monotonic() - self.started_at,
            kill_seconds=self.kill_seconds,
            survivors=self.survivors,
        )
