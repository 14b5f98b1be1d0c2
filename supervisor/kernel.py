"""What we ask of the Linux kernel, in one place: process attributes, process trees, pipes.

A process is addressed by a pidfd wherever a signal is sent: a number may have been given to somebody else meanwhile.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import fcntl
import os
import re
import signal
import termios
from pathlib import Path
from typing import NamedTuple

PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38

_M_ARENA_MAX = -8

_RESIDENT = re.compile(rb"^Rss(?:Anon|Shmem):\s+(\d+)", re.MULTILINE)
TICKS = os.sysconf("SC_CLK_TCK")
"""Of the clock in /proc, a second."""


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}, {value}): {os.strerror(number)}")


def die_with_parent(parent: int) -> None:
    """SIGKILL for us when the thread that made us ends. Exits at once if that has happened already: the race is real."""
    die_with_any_parent()
    if os.getppid() != parent:
        os._exit(1)


def die_with_any_parent() -> None:
    """SIGKILL for us when our parent ends; whether it has already, is for the caller to find out."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def adopt_orphans() -> None:
    """Descendants whose parent dies become our children, not those of PID 1."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def hide_memory() -> None:
    """No core dump, and no other process of our user may read our memory, environment or descriptors."""
    _prctl(_PR_SET_DUMPABLE, 0)


def renounce_privileges() -> None:
    """No exec of ours can gain privileges any more."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def share_heaps(count: int = 2) -> None:
    """So many heaps for all threads. glibc has one for each, and what one has freed is of no use to the others: a sixth of a large scan."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc's; others have no such heaps
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, count)


def stand_back(niceness: int) -> None:
    """Others come first at a core. Where the kernel groups processes by session, niceness counts only inside one: the group has its own."""
    os.nice(niceness)
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(niceness))


def bytes_waiting(fd: int) -> int:
    """Bytes that lie unread in a pipe."""
    buffer = array.array("i", [0])
    fcntl.ioctl(fd, termios.FIONREAD, buffer)
    return buffer[0]


class Member(NamedTuple):
    """A process of a tree. `started` (clock ticks since boot) tells it from a later one of the same number."""

    pid: int
    parent: int
    session: int
    state: str
    started: int
    cpu: int = 0
    """Clock ticks that it has used."""

    @property
    def alive(self) -> bool:
        """Whether it can still do anything: a zombie cannot."""
        return self.state not in "ZX"


def member(pid: int) -> Member | None:
    """The process of that number, or None when there is none."""
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        text = os.read(fd, 1024)  # one line, far shorter
    except ProcessLookupError:
        return None
    finally:
        os.close(fd)
    fields = text.rpartition(b")")[2].split()
    return Member(pid, int(fields[1]), int(fields[3]), fields[0].decode(), int(fields[19]), int(fields[11]) + int(fields[12]))


def processes() -> list[Member]:
    """Every process that we can see, zombies included. A snapshot in motion: who forks meanwhile may be missed, so look again."""
    return [found for name in os.listdir("/proc") if name.isdigit() and (found := member(int(name)))]


def contents(path: str | Path) -> bytes:
    """Of a file of the kernel's. Raises `OSError`."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return b"".join(iter(lambda: os.read(fd, 65536), b""))
    finally:
        os.close(fd)


def resident_bytes(pid: int) -> int:
    """Memory that a process holds, shared memory too, but not the pages of files. 0 when it is gone."""
    try:
        text = contents(f"/proc/{pid}/status")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(kilobytes) * 1024 for kilobytes in _RESIDENT.findall(text))


def send(found: Member, number: signal.Signals) -> None:
    """Signals exactly that process, or nobody when it is gone."""
    try:
        fd = os.pidfd_open(found.pid)
    except ProcessLookupError:
        return
    try:
        now = member(found.pid)  # the pidfd pins the number; who has it now?
        if now is not None and now.started == found.started:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(fd, number)
    finally:
        os.close(fd)
