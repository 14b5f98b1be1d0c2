"""The first code that runs in a child process: it makes the process killable, limited and isolated, and then calls the entry point.

For a job the order matters: own session, death with the parent, only its own descriptors, limits, no privileges, stack dumps on signals;
then READY; then the START frame with its secrets; then the entry point, which imports the SDK.
"""

from __future__ import annotations

import dataclasses
import errno
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

from supervisor import cgroup, frames, kernel, landlock, namespace, seccomp
from supervisor.errors import ProtocolError
from supervisor.frames import ControlKind, FrameReader

MB = 1024 * 1024

EXIT_NO_START = 70
"""Exit code of a job whose start pipe ended without a START frame."""

EXIT_NO_RESOURCES = 71
"""Exit code of a job that the kernel refused something it needs before READY; the last line on stderr says what."""

NOT_SET_UP = "the job's process could not be set up"
"""Beginning of that line, and of the sentence about any job that ends before READY."""

THREAD_STACK = MB
"""Stack size of a job's threads. The usual 8 MB would count against RLIMIT_DATA for each thread."""

DATA_HEADROOM = 1.05
"""RLIMIT_DATA as a multiple of the memory cap. It also counts pages that are mapped but untouched; the exact measure is resident memory."""

NICENESS = 10
"""Niceness of a job, so that the supervisor and the writer get a contended core first."""

MAX_OPEN_FILES = 4096
MAX_PROCESSES = 4096
MAX_FILE = 1024 * MB
"""Size limit of a single file that a job writes. The sum of all files is limited by the volume of the job's folder."""


class ReadyMessage(msgspec.Struct, frozen=True):
    """Body of READY. The process that the supervisor spawned leads its session and process group, so `pgid` equals `pid`."""

    pid: int
    pgid: int
    pid_namespace: bool
    """True when the job has a PID namespace of its own, which no process of the job can outlive."""
    landlock: int
    """Landlock ABI that restricts the job's file access; 0 when none does."""
    ports: tuple[int, ...] | None
    """The TCP ports that the kernel lets the job connect to; None when it lets it connect to any."""
    seccomp: bool
    """True when the kernel refuses the job the system calls of `supervisor.seccomp`."""
    in_control_group: bool
    """True when the job is in a control group of its own."""


@dataclasses.dataclass(frozen=True)
class Sandbox:
    """The restrictions of one job's process."""

    folder: str
    """The job's working folder, the only one that it may write to."""
    memory_mb: int
    procs_files: tuple[str, ...]
    """The ``cgroup.procs`` files of its control group; empty when it has none."""
    namespaced: bool
    """Enter a PID namespace if the kernel permits it."""
    confined: bool
    """Restrict file access by Landlock if the kernel has it."""
    readable: tuple[str, ...]
    ports: tuple[int, ...] | None
    """TCP ports that the job may connect to, where Landlock can enforce that; None for all."""
    forbidden: tuple[str, ...]
    """Modules that the job may not import."""


def run_job(parent: int, entry: str, pipes: Mapping[str, int], sandbox: Sandbox) -> NoReturn:
    """Target of a job process. `pipes`: start (read), control, data, stdout, stderr (write)."""
    os.setsid()
    kernel.die_with_parent(parent)
    try:
        start, control, data = _enter_sandbox(pipes, sandbox)
    except (OSError, MemoryError) as error:
        reason = error.strerror if isinstance(error, OSError) else os.strerror(errno.ENOMEM)
        os.write(2, f"{NOT_SET_UP}: {reason}\n".encode())
        os._exit(EXIT_NO_RESOURCES)
    body = _await_start(start)
    os.close(start)
    _exit(_load(entry)(start=body, control=control, data=data))


def _enter_sandbox(pipes: Mapping[str, int], sandbox: Sandbox) -> tuple[int, int, int]:
    """Applies all restrictions and reports READY; returns the start, control and data pipes. Raises `OSError`, `MemoryError`."""
    os.dup2(pipes["stdout"], 1)
    os.dup2(pipes["stderr"], 2)  # first, so that the supervisor reads what fails from here on
    kernel.limit_heaps()
    kernel.lower_priority(NICENESS)
    in_control_group = bool(sandbox.procs_files) and cgroup.join(sandbox.procs_files)
    start, control, data = (pipes[name] for name in ("start", "control", "data"))
    pid, pgid = os.getpid(), os.getpgid(0)
    namespaced = sandbox.namespaced and namespace.enter()
    _close_all_but({0, 1, 2, start, control, data})
    _set_limits(sandbox.memory_mb)
    _drop_privileges()
    _enter_folder(sandbox.folder)
    sys.modules.update(dict.fromkeys(sandbox.forbidden))  # type: ignore[arg-type]  # None in sys.modules makes the import fail
    abi = landlock.confine(sandbox.readable, (sandbox.folder,), files=sandbox.confined, ports=sandbox.ports)
    ports, abi = sandbox.ports if abi >= landlock.PORTS else None, abi if sandbox.confined else 0
    filtered = seccomp.restrict()
    _dump_stacks_on_signals()
    ready = ReadyMessage(pid, pgid, namespaced, abi, ports, filtered, in_control_group)
    os.write(control, frames.encode(ControlKind.READY, msgspec.json.encode(ready)))
    return start, control, data


def run_service(parent: int, entry: str, arguments: Mapping[str, Any], descriptors: Mapping[str, int]) -> NoReturn:
    """Target of a service's process."""
    os.setsid()  # a Ctrl-C in the terminal goes to the supervisor alone
    kernel.die_with_parent(parent)
    kernel.limit_heaps()
    kernel.hide_memory()
    _close_all_but({0, 1, 2, *descriptors.values()})
    faulthandler.enable(file=sys.stderr, all_threads=True)  # SIGABRT writes the stacks of all threads
    _exit(_load(entry)(**arguments, **descriptors))


def _load(entry: str) -> Callable[..., int]:
    module, _, attribute = entry.partition(":")
    function: Callable[..., int] = getattr(importlib.import_module(module), attribute)
    return function


def _close_all_but(kept: Iterable[int]) -> None:
    wanted = set(kept)
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in wanted:
            try:
                os.close(int(name))
            except OSError:  # the descriptor of the listing itself
                continue


def _set_limits(memory_mb: int) -> None:
    threading.stack_size(THREAD_STACK)
    for name, value in (
        (resource.RLIMIT_DATA, int(memory_mb * MB * DATA_HEADROOM)),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, MAX_OPEN_FILES),
        (resource.RLIMIT_NPROC, MAX_PROCESSES),
        (resource.RLIMIT_FSIZE, MAX_FILE),
    ):
        hard = resource.getrlimit(name)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(name, (bound, bound))


def _drop_privileges() -> None:
    """Drops what a job has no use for. A job of root keeps that it may read: its operator's files belong to other users too."""
    Path("/proc/self/oom_score_adj").write_text("800")  # under memory pressure the kernel kills a job before a service
    kernel.forbid_new_privileges()
    kernel.keep_capabilities(kernel.CAP_DAC_READ_SEARCH)
    kernel.hide_memory()


def _enter_folder(folder: str) -> None:
    os.environ.update(HOME=folder, TMPDIR=folder)
    tempfile.tempdir = folder
    os.chdir(folder)


def _dump_stacks_on_signals() -> None:
    """Writes the stacks of all threads to stderr at SIGTERM and SIGABRT, even while one thread holds the GIL in a C call."""
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


def _exit(code: int) -> NoReturn:
    """Ends the process at once: a thread that an SDK left running does not keep it alive."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
