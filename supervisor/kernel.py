"""Requests to the Linux kernel, in one place: process attributes, processes, pipes.

Signals are sent through a pidfd wherever that is possible, because a pid may belong to another process by now.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import fcntl
import itertools
import os
import re
import select
import signal
import termios
import time
from pathlib import Path
from typing import NamedTuple

PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38

_CAPABILITY_VERSION = 0x20080522
CAP_DAC_READ_SEARCH = 1 << 2

_M_ARENA_MAX = -8
_CPUCLOCK_SCHED = 2

_RESIDENT = re.compile(rb"^Rss(?:Anon|Shmem):\s+(\d+)", re.MULTILINE)
TICKS = os.sysconf("SC_CLK_TCK")
"""Clock ticks of /proc in a second."""

MAX_THREADS = 64
"""Number of threads of one process whose states are read. A job may start thousands, and a survey must stay short."""


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}, {value}): {os.strerror(number)}")


def die_with_parent(parent: int) -> None:
    """Makes the kernel kill this process when the thread that spawned it ends; exits now if `parent` has ended already."""
    die_with_any_parent()
    if os.getppid() != parent:
        os._exit(1)


def die_with_any_parent() -> None:
    """Makes the kernel kill this process when its parent ends; the caller checks whether the parent has ended already."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def adopt_orphans() -> None:
    """Makes this process the subreaper: descendants whose parent dies become its children, not those of PID 1."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def hide_memory() -> None:
    """Forbids core dumps, and hides memory, environment and descriptors from other processes of the same user."""
    _prctl(_PR_SET_DUMPABLE, 0)


def forbid_new_privileges() -> None:
    """Makes sure that no exec gains privileges any more."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def keep_capabilities(kept: int) -> None:
    """Drops all capabilities but those among these bits, if there are any; for good, where new privileges are forbidden."""
    libc = ctypes.CDLL(None, use_errno=True)
    header, held = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)()
    if libc.capget(header, held) == 0:
        low = held[1] & kept  # effective, permitted, inheritable: of the first 32 capabilities, then of the others
        if not any(held) or libc.capset(header, (ctypes.c_uint32 * 6)(low, low)) == 0:
            return
    number = ctypes.get_errno()
    raise OSError(number, f"capset: {os.strerror(number)}")


def limit_heaps(count: int = 2) -> None:
    """Limits glibc's heaps for all threads. One thread cannot use what another has freed in its own heap: a sixth of a large scan."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have no such heaps
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, count)


def lower_priority(niceness: int) -> None:
    """Lowers the process's priority, and its session's where the kernel schedules by session: niceness counts only within one."""
    os.nice(niceness)
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(niceness))


def bytes_waiting(fd: int) -> int:
    """Number of unread bytes in a pipe."""
    buffer = array.array("i", [0])
    fcntl.ioctl(fd, termios.FIONREAD, buffer)
    return buffer[0]


class ProcessInfo(NamedTuple):
    """A process. `started` (clock ticks since boot) tells it from a later one with the same pid.

    `state` is that of its main thread. Where /proc hides the process (mount option ``hidepid``), `started` is 0 and `parent` unknown (0),
    and `state` is ``?`` or ``Z``.
    """

    pid: int
    parent: int
    session: int
    state: str
    started: int
    cpu: int = 0
    """CPU time in clock ticks."""
    threads: int = 1

    @property
    def alive(self) -> bool:
        """False for a zombie."""
        return self.state not in "ZX"

    @property
    def hidden(self) -> bool:
        """True when /proc does not show the process."""
        return not self.started


def process_info(pid: int) -> ProcessInfo | None:
    """The process with that pid, or None when there is none."""
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except PermissionError:
        return hidden_process(pid)
    try:
        text = os.read(fd, 1024)  # one line, far shorter
    except ProcessLookupError:
        return None
    finally:
        os.close(fd)
    fields = text.rpartition(b")")[2].split()
    parent, session, user, system, threads, started = (int(fields[at]) for at in (1, 3, 11, 12, 17, 19))
    return ProcessInfo(pid, parent, session, fields[0].decode(), started, user + system, threads)


def runnable(process: ProcessInfo) -> bool:
    """True when a thread of the process runs or waits for a CPU. Only `MAX_THREADS` are read, and of a hidden process none."""
    if process.state == "R" or process.threads < 2:
        return process.state == "R"
    try:
        with os.scandir(f"/proc/{process.pid}/task") as threads:
            return any(_thread_state(thread.path) == b"R" for thread in itertools.islice(threads, MAX_THREADS))
    except (FileNotFoundError, ProcessLookupError, PermissionError):  # it has ended, or is hidden by now
        return False


def _thread_state(path: str) -> bytes:
    try:
        return read_file(f"{path}/stat").rpartition(b")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # it has ended
        return b"X"


def hidden_process(pid: int, parent: int = 0) -> ProcessInfo | None:
    """A process that /proc hides, as far as system calls tell. Its memory is not known."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    try:
        poller = select.poll()
        poller.register(fd, select.POLLIN)
        state = "Z" if poller.poll(0) else "?"
        return ProcessInfo(pid, parent, os.getsid(pid), state, 0, _cpu_ticks(pid))
    except OSError:  # gone meanwhile
        return None
    finally:
        os.close(fd)


def _cpu_ticks(pid: int) -> int:
    """CPU time of a process by its CPU clock, which needs no permission. Source: clock_getcpuclockid(3), linux/posix-timers.h."""
    return int(time.clock_gettime(~pid << 3 | _CPUCLOCK_SCHED) * TICKS)


def processes() -> list[ProcessInfo]:
    """Every visible process and every child of this process, zombies included. One call may miss a process that is just being forked."""
    found = {pid: process for name in os.listdir("/proc") if name.isdigit() and (process := process_info(pid := int(name)))}
    for child in children():
        process = found.get(child)
        if (process is None or process.hidden) and (shown := hidden_process(child, os.getpid())):
            found[child] = shown
    return list(found.values())


def children() -> list[int]:
    """The pids of this process's children, which /proc shows even where it hides other processes."""
    pids: list[int] = []
    for task in os.listdir("/proc/self/task"):
        with contextlib.suppress(FileNotFoundError):  # a kernel without CONFIG_PROC_CHILDREN, or a thread that has ended
            pids += map(int, read_file(f"/proc/self/task/{task}/children").split())
    return pids


def read_file(path: str | Path) -> bytes:
    """The contents of a file of the kernel. Raises `OSError`."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return b"".join(iter(lambda: os.read(fd, 65536), b""))
    finally:
        os.close(fd)


def resident_bytes(pid: int) -> int:
    """Anonymous and shared memory of a process, without pages of files. 0 when the process is gone or hidden."""
    try:
        text = read_file(f"/proc/{pid}/status")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0
    return sum(int(kilobytes) * 1024 for kilobytes in _RESIDENT.findall(text))


def send_signal(process: ProcessInfo, number: signal.Signals) -> None:
    """Signals exactly that process; does nothing when it is gone."""
    try:
        fd = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    try:
        now = process_info(process.pid) or hidden_process(process.pid)  # the pidfd pins the pid; does it still belong to the same process?
        if now is not None and now.started == process.started and (now.started or now.session == process.session):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(fd, number)
    finally:
        os.close(fd)
