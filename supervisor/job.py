"""One job's process and all of its descendants: its clocks, its pipes, and the ladder by which it is killed.

The ladder: SIGTERM to the process group (and SIGCONT, for stopped processes) -> the grace -> SIGABRT to the process group -> `STACK_DUMP`
-> SIGKILL to the process group and the leader -> SIGKILL to each process that is left of the tree, and to the control group of a job
without a PID namespace, until the tree is proven dead. At SIGTERM and at SIGABRT the job writes its Python stacks. The leader, which is the
process that was spawned, stays unreaped until the end, so that the kernel cannot reuse its pid, which is its process group's id too.
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
from supervisor.bootstrap import EXIT_NO_RESOURCES, NOT_SET_UP, ReadyMessage, Sandbox
from supervisor.cgroup import Group
from supervisor.clocks import Clocks
from supervisor.config import SupervisorConfig
from supervisor.cpu_activity import CpuActivity
from supervisor.errors import ProtocolError, bounded
from supervisor.exit_report import exit_report
from supervisor.frames import ControlKind, FrameReader
from supervisor.kernel import ProcessInfo
from supervisor.loop import Loop, Timer
from supervisor.memory import Memory
from supervisor.messages import Cause, Exited, Start
from supervisor.output import Lines, Pump, Tail
from supervisor.process import spawn_process
from supervisor.process_tree import ProcessTable
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
        control_group: Group | None,
        forward: Callable[[bytes], None],
        ready: Callable[[Job], None],
    ) -> None:
        """Spawns the process. `forward` takes the lines that it logs; `ready` is called when it may be sent its START frame.

        Raises `SpawnError`.
        """
        self.start, self.state = start, JobState.STARTING
        self.memory = Memory(start.memory_mb or config.memory_mb)
        self.cpu_activity = CpuActivity()
        self.cause: Cause | None = None
        self.progress: dict[str, Any] = {}
        self.kill_seconds: float | None = None
        self.ready_message: ReadyMessage | None = None
        self.survivors = 0
        self._config, self._loop, self._ready = config, loop, ready
        self._sentence = ""
        self._seen: set[tuple[int, int]] = set()
        self._next_step: Timer | None = None
        self._killed_at: float | None = None
        self._decided_at: float | None = None
        self._empty_surveys = 0
        self.folder, self.control_group = folder, control_group
        self.pid, self.pidfd = self._spawn()
        self.started_at = time.monotonic()
        self._tail, self._lines = Tail(), Lines(forward)
        self._pumps = (Pump(self._stdout, self._lines.feed), Pump(self._stderr, self._tail.feed))
        self._control = FrameReader(self._control_fd, ControlKind, MAX_CONTROL_FRAME)
        self.clocks = Clocks(loop, start, config.start_timeout, self.kill, self._busy)

    # --- start

    def _spawn(self) -> tuple[int, int]:
        ours, theirs = pipes.make()
        arguments = {"parent": os.getpid(), "entry": self._config.job_entry, "pipes": theirs, "sandbox": self._sandbox()}
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

    def _sandbox(self) -> Sandbox:
        config = self._config
        return Sandbox(
            folder=self.folder,
            memory_mb=self.memory.cap_mb,
            procs_files=self.control_group.procs_files if self.control_group else (),
            namespaced=config.pid_namespaces,
            confined=config.confine_files,
            readable=self.start.read_paths,
            ports=self.start.ports,
            forbidden=config.forbidden_modules,
        )

    def descriptors(self) -> tuple[tuple[int, Callable[[], None]], ...]:
        """The descriptors that the loop must watch, with the calls to make."""
        return ((self._control.fd, self.on_control_readable), *((pump.fd, self._reader(pump)) for pump in self._pumps))

    def _reader(self, pump: Pump) -> Callable[[], None]:
        def read() -> None:
            pump.read_once()
            if pump.eof:
                self._loop.forget(pump.fd)

        return read

    # --- run

    def on_control_readable(self) -> None:
        """Reads the control pipe; kills a job that breaks the protocol."""
        try:
            for kind, body in self._control.read():
                self._on_control_frame(kind, body)
        except (ProtocolError, msgspec.ValidationError, msgspec.DecodeError) as error:
            self._loop.forget(self._control.fd)
            self.kill(Cause.PROTOCOL, bounded(f"the job broke the protocol on its control pipe: {error}"))
        if self._control.eof:
            self._loop.forget(self._control.fd)

    def _on_control_frame(self, kind: ControlKind, body: bytes) -> None:
        if kind is ControlKind.READY and self.state is JobState.STARTING:
            ready = msgspec.json.decode(body, type=ReadyMessage)
            if (ready.pid, ready.pgid) != (self.pid, self.pid):
                raise ProtocolError("READY names another process")
            self.state = advance(self.state, JobState.RUNNING)
            self.ready_message = ready
            self.clocks.ready()
            self._ready(self)
        elif kind is ControlKind.PROGRESS and self.state is not JobState.STARTING:
            progress = msgspec.json.decode(body, type=dict[str, int | str])
            if progress != self.progress:
                self.progress = progress
                self.clocks.progressed()
        else:
            raise ProtocolError(f"{kind.name} has no place on the control pipe, or not now")

    def _busy(self) -> bool:
        """True when results lie unread, because then the writer is slow; and when the job computes, because it may hold the GIL."""
        return kernel.bytes_waiting(self.data) > 0 or self.cpu_activity.busy

    # --- end

    @property
    def dying(self) -> bool:
        """True from the first step of the ladder on."""
        return self.state not in (JobState.STARTING, JobState.RUNNING)

    def kill(self, cause: Cause, sentence: str, *, now: bool = False) -> None:
        """Begins the ladder; the first cause is the one that is reported. `now` skips to SIGKILL."""
        if self.dying:
            if now and self.state in (JobState.TERMINATING, JobState.ABORTING):
                self._kill_group_and_leader()
            return
        self.cause, self._sentence, self._decided_at = cause, sentence, time.monotonic()
        self.clocks.stop()
        if now or self.state is JobState.STARTING or not self._config.kill_grace:
            self._kill_group_and_leader()
            return
        if cause is Cause.MEMORY:
            self._abort()
            return
        self.state = advance(self.state, JobState.TERMINATING)
        self._signal_process_group(signal.SIGTERM)
        self._signal_process_group(signal.SIGCONT)
        self._next_step = self._loop.after(self._config.kill_grace, self._abort)

    def _abort(self) -> None:
        self.state = advance(self.state, JobState.ABORTING)
        self._signal_process_group(signal.SIGABRT)
        self._next_step = self._loop.after(STACK_DUMP, self._kill_group_and_leader)

    def _kill_group_and_leader(self) -> None:
        self._enter_killing()
        self._signal_leader(signal.SIGKILL)

    def _enter_killing(self) -> None:
        """Sends SIGKILL to the process group; before READY, the job may still be in the supervisor's."""
        if self._next_step:
            self._next_step.cancel()
        was_ready = self.state is not JobState.STARTING
        self.state = advance(self.state, JobState.KILLING)
        self._killed_at = time.monotonic()
        if was_ready:
            self._signal_process_group(signal.SIGKILL)

    def _signal_process_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)  # its id is not reused: the leader is not reaped yet

    def _signal_leader(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, number)

    def leader_died(self) -> None:
        """Kills what a leader that has ended left behind."""
        self.clocks.stop()
        if self.state in (JobState.KILLING, JobState.UNKILLABLE):
            return
        if self.cause is None and self._out_of_memory():
            self.cause = Cause.MEMORY
        self._enter_killing()

    def survey(self, processes: ProcessTable) -> None:
        """Measures a running tree; kills and counts the survivors of one that is being killed."""
        members = self._members(processes)
        self._seen.update((member.pid, member.started) for member in members if not member.hidden)
        if not self.dying:
            self._measure(members)
        elif self.state in (JobState.KILLING, JobState.UNKILLABLE):
            self._signal_leader(signal.SIGKILL)
            for member in members:
                kernel.send_signal(member, signal.SIGKILL)
            if members and self.control_group and not self._namespaced:
                self.control_group.kill()  # not for a namespace, which dies with its init: it may wait for others that change their groups
            self._count_survivors(len(members))

    @property
    def _namespaced(self) -> bool:
        return bool(self.ready_message and self.ready_message.pid_namespace)

    def _members(self, processes: ProcessTable) -> list[ProcessInfo]:
        """The living processes of the tree, without the leader."""
        also = self.control_group.pids() if self.control_group else ()
        return [member for member in processes.tree(self.pid, self._seen, also) if member.alive]

    def _measure(self, members: list[ProcessInfo]) -> None:
        self.cpu_activity.sample(self.pid, members, namespaced=self._namespaced)
        if self.memory.measure(self.pid, members, namespaced=self._namespaced):
            self.kill(Cause.MEMORY, self.memory.sentence())
        elif self._out_of_memory():
            self.kill(Cause.MEMORY, self._sentence)

    def _out_of_memory(self) -> bool:
        """True when the kernel has killed a process of the job's control group for its memory use."""
        if self.control_group is None or not self.control_group.out_of_memory():
            return False
        self._sentence = f"the kernel ended a process of the job, whose control group had reached its cap of {self.memory.cap_mb} MB"
        return True

    def _count_survivors(self, members: int) -> None:
        leader = kernel.process_info(self.pid) or kernel.hidden_process(self.pid)
        self.survivors = members + bool(leader and leader.alive)
        self._empty_surveys = 0 if self.survivors else self._empty_surveys + 1
        assert self._killed_at is not None
        if self._empty_surveys >= 2:  # one survey may miss a process that is just being forked
            self.state = advance(self.state, JobState.DEAD)
            if self._decided_at is not None:
                self.kill_seconds = time.monotonic() - self._decided_at
        elif self.survivors and self.state is JobState.KILLING and time.monotonic() - self._killed_at > self._config.unkillable_after:
            self.state = advance(self.state, JobState.UNKILLABLE)

    def reap(self) -> Exited:
        """Reaps the leader, closes the job's descriptors and reports how it ended. To be called once, when DEAD."""
        result = os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED)
        assert result is not None
        for pump in self._pumps:
            pump.drain()
        self._lines.end()
        for fd in (self._control.fd, self._stdout, self._stderr, self.data, self.pidfd):
            self._loop.forget(fd)
            os.close(fd)
        del self.clocks  # breaks a reference cycle, so that the job is freed at once and not by the garbage collector
        return self.report(result.si_code == os.CLD_EXITED, result.si_status)

    def report(self, exited: bool = True, status: int | None = None) -> Exited:
        """How the job ended, or that it cannot be killed. What leaves before READY without a word has not come as far as its sandbox."""
        said = self._tail.text().strip().rpartition("\n")[2]
        if self.cause is None and not self.ready_message and exited and (status == EXIT_NO_RESOURCES or not said):
            self.cause, self._sentence = Cause.RESOURCES, bounded(said or f"{NOT_SET_UP}: exit code {status} before it was ready")
        return exit_report(
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
