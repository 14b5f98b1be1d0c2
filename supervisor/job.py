"""One job process and everything that descends from it: its clocks, its pipes, and the ladder by which it is killed.

The ladder: SIGTERM to the group (and SIGCONT, for the stopped) -> the grace -> SIGABRT to the group -> SIGKILL to the group -> SIGKILL to
whatever is left of the tree, until it is proven dead. At SIGTERM and at SIGABRT the job writes its Python stacks. The leader stays
unreaped until the end, so that neither its number nor its group's can be given to anybody else.
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
from supervisor.cgroup import Group
from supervisor.clocks import Clocks
from supervisor.config import SupervisorConfig
from supervisor.cpu_activity import Effort
from supervisor.errors import ProtocolError, bounded
from supervisor.exit_report import obituary
from supervisor.frames import ControlKind, FrameReader
from supervisor.kernel import Member
from supervisor.loop import Loop, Timer
from supervisor.memory import Memory
from supervisor.messages import Cause, Exited, Start
from supervisor.output import Lines, Pump, Tail
from supervisor.process import spawn_process
from supervisor.process_tree import Census
from supervisor.states import JobState, advance

STACK_DUMP = 0.25
"""Seconds between SIGABRT and SIGKILL."""

MAX_CONTROL_FRAME = 64 * 1024


class Job:
    """A run's process tree, from spawn to proof of death."""

    def __init__(
        self,
        start: Start,
        config: SupervisorConfig,
        loop: Loop,
        folder: str,
        *,
        group: Group | None,
        forward: Callable[[bytes], None],
        ready: Callable[[Job], None],
    ) -> None:
        """Spawns. `folder` and `group` are its own; `forward` takes the lines that it logs, `ready` hears that it may be sent its START.

        Raises `SpawnError`.
        """
        self.start, self.state = start, JobState.STARTING
        self.memory = Memory(start.memory_mb or config.memory_mb)
        self.effort = Effort()
        self.cause: Cause | None = None
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
        self.folder, self.group = folder, group
        self.pid, self.pidfd = self._spawn()
        self.started_at = time.monotonic()
        self._tail, self._lines = Tail(), Lines(forward)
        self._pumps = (Pump(self._stdout, self._lines.take), Pump(self._stderr, self._tail.take))
        self._control = FrameReader(self._control_fd, ControlKind, MAX_CONTROL_FRAME)
        self.clocks = Clocks(loop, start, config.start_timeout, self.kill, self._excused)

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
            folder=self.folder,
            memory_mb=self.memory.cap_mb,
            doors=self.group.doors if self.group else (),
            namespaced=config.pid_namespaces,
            confined=config.confine_files,
            readable=self.start.read_paths,
            forbidden=config.forbidden_modules,
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
            self.kill(Cause.PROTOCOL, bounded(f"the job broke the protocol on its control pipe: {error}"))
        if self._control.eof:
            self._loop.forget(self._control.fd)

    def _take(self, kind: ControlKind, body: bytes) -> None:
        if kind is ControlKind.READY and self.state is JobState.STARTING:
            hello = msgspec.json.decode(body, type=Hello)
            if (hello.pid, hello.pgid) != (self.pid, self.pid):
                raise ProtocolError("READY names another process")
            self.state = advance(self.state, JobState.RUNNING)
            self.hello = hello
            self.clocks.ready()
            self._ready(self)
        elif kind is ControlKind.PROGRESS and self.state is not JobState.STARTING:
            progress = msgspec.json.decode(body, type=dict[str, int | str])
            if progress != self.progress:
                self.progress = progress
                self.clocks.moved()
        else:
            raise ProtocolError(f"{kind.name} has no place on the control pipe, or not now")

    def _excused(self) -> bool:
        """Whether what it wrote lies unread, as then it is the reader that is slow; or it computes, and holds the GIL meanwhile."""
        return kernel.bytes_waiting(self.data) > 0 or self.effort.working

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
        if now or self.state is JobState.STARTING or not self._config.kill_grace:
            self._kill_group()
            return
        if cause is Cause.MEMORY:
            self._abort()
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
        if grouped:  # before READY its process group may still be ours
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
        if self.cause is None and self._out_of_memory():
            self.cause = Cause.MEMORY
        if self._rung:
            self._rung.cancel()
        grouped = self.state is not JobState.STARTING
        self.state = advance(self.state, JobState.KILLING)
        self._killed_at = time.monotonic()
        if grouped:
            self._signal_group(signal.SIGKILL)

    def survey(self, census: Census) -> None:
        """Looks at the tree: its memory while it lives, its survivors when it is being killed."""
        members = self._members(census)
        self._seen.update((member.pid, member.started) for member in members)
        if not self.dying:
            self._weigh(members)
        elif self.state in (JobState.KILLING, JobState.UNKILLABLE):
            self._signal_leader(signal.SIGKILL)
            for member in members:
                kernel.send(member, signal.SIGKILL)
            if members and self.group and not (self.hello and self.hello.pid_namespace):  # a namespace needs no help, and this may wait for
                self.group.kill()  # whoever else on the machine changes his groups
            self._count(len(members))

    def _members(self, census: Census) -> list[Member]:
        """Who lives and is this job's, but for the leader."""
        also = self.group.pids() if self.group else ()
        return [member for member in census.tree(self.pid, self._seen, also) if member.alive]

    def _weigh(self, members: list[Member]) -> None:
        self.effort.take(self.pid, members)
        if self.memory.weigh(self.pid, members, namespaced=bool(self.hello and self.hello.pid_namespace)):
            self.kill(Cause.MEMORY, self.memory.sentence())
        elif self._out_of_memory():
            self.kill(Cause.MEMORY, self._sentence)

    def _out_of_memory(self) -> bool:
        """Whether the kernel was faster than we, and said so in the job's control group."""
        if self.group is None or not self.group.out_of_memory():
            return False
        self._sentence = f"the kernel ended a process of the job, whose control group had reached its cap of {self.memory.cap_mb} MB"
        return True

    def _count(self, members: int) -> None:
        leader = kernel.member(self.pid)
        self.survivors = members + bool(leader and leader.alive)
        self._calm_passes = 0 if self.survivors else self._calm_passes + 1
        assert self._killed_at is not None
        if self._calm_passes >= 2:  # a fork may hide from one look
            self.state = advance(self.state, JobState.DEAD)
            if self._decided_at is not None:
                self.kill_seconds = time.monotonic() - self._decided_at
        elif self.survivors and self.state is JobState.KILLING and time.monotonic() - self._killed_at > self._config.unkillable_after:
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
        del self.clocks  # they lead back here: what is dropped is to go at once, and not when the collector comes by
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
            peak_bytes=self.memory.peak,
            seconds=time.monotonic() - self.started_at,
            kill_seconds=self.kill_seconds,
            survivors=self.survivors,
        )
