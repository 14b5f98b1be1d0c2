"""Child processes, spawned with the package `multiprocess` and never forked: no lock, connection or thread is inherited.

Differences from a plain ``multiprocess.Process``: exactly the named descriptors are inherited; no resource-tracker process is started
(nothing is shared that it could track); the parent's main module is not imported again; and each process has a pidfd.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import multiprocess
from multiprocess import context, popen_spawn_posix, spawn, util
from multiprocess.context import reduction, set_spawning_popen

from supervisor import kernel
from supervisor.errors import SpawnError

COLLECT_EVERY = 10_000
"""New objects between two garbage collections. Imports and scans make few cycles: Python's 700 cost a fifth of an AWS scan."""


class _Popen(popen_spawn_posix.Popen):  # type: ignore[misc]
    """Launches the interpreter that unpickles the process object, which comes from this process alone."""

    def _launch(self, process_obj: Process) -> None:
        opened: list[int] = []
        try:
            opened.append(nothing := os.open(os.devnull, os.O_RDONLY))
            child_r, parent_w = os.pipe()
            opened += (child_r, parent_w)
            body = self._pickled(process_obj)
            command = _prepared(spawn.get_command_line(tracker_fd=nothing, pipe_handle=child_r))
            self.pid = util.spawnv_passfds(spawn.get_executable(), command, [child_r, nothing, *process_obj.inherited])
            self.pidfd = self.sentinel = os.pidfd_open(self.pid)  # if this fails, the child gets no body and ends
            os.set_blocking(parent_w, False)  # the body is far smaller than a pipe; a larger one would raise
            os.write(parent_w, body)
        except OSError as error:
            raise SpawnError(f"a process could not be started: {error.strerror}") from error
        finally:
            for fd in opened:
                os.close(fd)

    def _pickled(self, process_obj: Process) -> bytes:
        body = io.BytesIO()
        set_spawning_popen(self)
        try:
            reduction.dump({"name": process_obj.name, "sys_path": sys.path, "log_to_stderr": False}, body)
            reduction.dump(process_obj, body)
        finally:
            set_spawning_popen(None)
        return body.getvalue()


def _prepared(command: list[str]) -> list[str]:
    """The command with code that runs before the imports, during which either process may be killed.

    The code asks for death with the parent, makes garbage collections rare, and sets the temporary folder, which dill would otherwise look
    for by making a file.
    """
    at = command.index("-c") + 1
    prctl = f"ctypes.CDLL(None).prctl({kernel.PR_SET_PDEATHSIG}, {int(signal.SIGKILL)}, 0, 0, 0)"
    first = f"import ctypes, gc, os; {prctl}; os.getppid() == {os.getpid()} or os._exit(1); gc.set_threshold({COLLECT_EVERY})"
    return [*command[:at], f"{first}; import tempfile; tempfile.tempdir = {tempfile.gettempdir()!r}; {command[at]}", *command[at + 1 :]]


class Process(context.SpawnProcess):  # type: ignore[misc]
    """A process that runs ``target(**arguments)``."""

    _start_method = "spawn"

    def __init__(self, name: str, target: Callable[..., None], arguments: Mapping[str, Any], inherited: Sequence[int]) -> None:
        super().__init__(name=name, target=target, kwargs=dict(arguments))
        self.inherited = tuple(inherited)

    @staticmethod
    def _Popen(process_obj: Process) -> _Popen:  # noqa: N802 - multiprocess's name
        return _Popen(process_obj)

    @property
    def pidfd(self) -> int:
        """Readable when the process is dead."""
        descriptor: int = self._popen.pidfd
        return descriptor


def spawn_process(name: str, target: Callable[..., None], arguments: Mapping[str, Any], inherited: Sequence[int]) -> tuple[int, int]:
    """Starts a process; returns its pid and a pidfd, both the caller's to reap and to close. Raises `SpawnError`.

    To be called from the main thread: the kernel ends the child when the thread that made it ends.
    """
    process = Process(name, target, arguments, inherited)
    process.start()
    multiprocess.process._children.discard(process)  # noqa: SLF001 - it is reaped by its pidfd, and multiprocess may not do it
    pid: int = process.pid
    return pid, process.pidfd
