"""The first thing that runs in a child: it makes the process killable, small and blind, and only then calls what it is there for.

A job's order matters: own session, death with the parent, no descriptors but its own, limits, no privileges, stack dumps on SIGABRT;
then READY; then the START frame with its secrets; then the entry, which imports the SDK.
"""

from __future__ import annotations

import dataclasses
import faulthandler
import importlib
import os
import resource
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from supervisor import cgroup, frames, kernel, landlock, namespace
from supervisor.errors import ProtocolError
from supervisor.frames import ControlKind, FrameReader

MB = 1024 * 1024

EXIT_NO_START = 70
"""The job never got its START frame."""

THREAD_STACK = MB
"""Of a job's threads: the 8 MB that are usual would count against RLIMIT_DATA for each of them."""

HEADROOM = 1.05
"""RLIMIT_DATA over the cap: it also counts what is mapped but not touched; the watch over resident memory is the exact one."""

POLITENESS = 10
"""Niceness of a job: whoever must kill it, or store what it found, comes first when they want the same core."""

MAX_OPEN_FILES = 4096
MAX_PROCESSES = 4096
MAX_FILE = 1024 * MB
"""Of one file that a job writes; what all of them take is limited by the volume that its folder is on."""


class Hello(msgspec.Struct, frozen=True):
    """Body of READY: the process that the supervisor made, which leads its group and session, so that `pgid` equals `pid`."""

    pid: int
    pgid: int
    pid_namespace: bool
    """Whether the job has one of its own, so that nothing can outlive it."""
    landlock: int
    """The ABI by which the kernel keeps it from other files; 0: it does not."""
    grouped: bool
    """Whether it is in a control group of its own."""


@dataclasses.dataclass(frozen=True)
class Cell:
    """What shuts a job in."""

    folder: str
    """Its own, the only one that it may write to."""
    memory_mb: int
    doors: tuple[str, ...]
    """Of its control group."""
    namespaced: bool
    """In a PID namespace, if that is permitted."""
    confined: bool
    """By Landlock, if the kernel has it."""
    readable: tuple[str, ...]
    forbidden: tuple[str, ...]
    """Modules that it may not import."""


def run_job(parent: int, entry: str, pipes: Mapping[str, int], cell: Cell) -> NoReturn:
    """Target of a job process. `pipes`: start (read), control, data, stdout, stderr (write)."""
    os.setsid()
    kernel.die_with_parent(parent)
    kernel.share_heaps()
    kernel.stand_back(POLITENESS)
    grouped = bool(cell.doors) and cgroup.join(cell.doors)
    os.dup2(pipes["stdout"], 1)
    os.dup2(pipes["stderr"], 2)
    start, control, data = (pipes[name] for name in ("start", "control", "data"))
    pid, pgid = os.getpid(), os.getpgid(0)
    namespaced = cell.namespaced and namespace.enter()
    _close_all_but({0, 1, 2, start, control, data})
    _limit(cell.memory_mb)
    _blind()
    _settle_in(cell.folder)
    sys.modules.update(dict.fromkeys(cell.forbidden))  # type: ignore[arg-type]  # None there: the import fails
    abi = landlock.confine(cell.readable, (cell.folder,)) if cell.confined else 0
    _confess()
    os.write(control, frames.encode(ControlKind.READY, msgspec.json.encode(Hello(pid, pgid, namespaced, abi, grouped))))
    body = _await_start(start)
    os.close(start)
    _leave(_entry(entry)(start=body, control=control, data=data))


def run_service(parent: int, entry: str, arguments: Mapping[str, Any], descriptors: Mapping[str, int]) -> NoReturn:
    """Target of a service's process."""
    os.setsid()  # a Ctrl-C in the terminal is the supervisor's to handle
    kernel.die_with_parent(parent)
    kernel.share_heaps()
    kernel.hide_memory()
    _close_all_but({0, 1, 2, *descriptors.values()})
    faulthandler.enable(file=sys.stderr, all_threads=True)  # SIGABRT writes the stacks of all threads
    _leave(_entry(entry)(**arguments, **descriptors))


def _entry(name: str) -> Callable[..., int]:
    module, _, attribute = name.partition(":")
    found: Callable[..., int] = getattr(importlib.import_module(module), attribute)
    return found


def _close_all_but(kept: Iterable[int]) -> None:
    wanted = set(kept)
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in wanted:
            try:
                os.close(int(name))
            except OSError:  # the descriptor of the listing itself
                continue


def _limit(memory_mb: int) -> None:
    threading.stack_size(THREAD_STACK)
    for name, value in (
        (resource.RLIMIT_DATA, int(memory_mb * MB * HEADROOM)),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, MAX_OPEN_FILES),
        (resource.RLIMIT_NPROC, MAX_PROCESSES),
        (resource.RLIMIT_FSIZE, MAX_FILE),
    ):
        hard = resource.getrlimit(name)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(name, (bound, bound))


def _blind() -> None:
    Path("/proc/self/oom_score_adj").write_text("800")  # if the kernel must take somebody, it takes a job
    kernel.renounce_privileges()
    kernel.hide_memory()


def _settle_in(folder: str) -> None:
    os.environ.update(HOME=folder, TMPDIR=folder)
    tempfile.tempdir = folder
    os.chdir(folder)


def _confess() -> None:
    """The stacks of all threads go to stderr before a signal takes us, even when one holds the GIL in a call that does not return."""
    faulthandler.enable(file=sys.stderr, all_threads=True)
    faulthandler.register(signal.SIGTERM, file=sys.stderr, all_threads=True, chain=True)


def _await_start(fd: int) -> bytes:
    reader = FrameReader(fd, ControlKind)
    os.set_blocking(fd, True)
    while not reader.eof:
        for kind, body in reader.read():
            if kind is not ControlKind.START:
                raise ProtocolError(f"the first frame is {kind.name}, not START")
            return body
    os._exit(EXIT_NO_START)


def _leave(code: int) -> NoReturn:
    """Ends the process now: a thread that an SDK left behind may not keep it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
