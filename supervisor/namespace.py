"""A PID namespace of a job's own, where the kernel permits one: whoever is in it dies with it, wherever it has fled to.

Three processes. The *holder* stays outside: the supervisor knows it as the job, and it ends as the job ends, but not before the
namespace is empty. The *init* is the namespace's first process, adopts what the job leaves behind, and takes all with it when it ends. The
*job* is an ordinary process beside it, as an init would not hear most signals. If the supervisor is killed, the holder dies with it, the
init with the holder, and the namespace with the init.
"""

from __future__ import annotations

import ctypes
import os
import resource
import select
import signal
from pathlib import Path
from typing import NoReturn

from supervisor import kernel

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWPID = 0x20000000
_CAPABILITY_VERSION = 0x20080522

DEAF_TO = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGABRT)
"""What is sent to the job's group, and is for the job alone."""


def enter() -> bool:
    """True: we are the job, inside, and the process that called is its holder. False: it is not permitted, and nothing has changed.

    To be called by a process of one thread.
    """
    own_user = os.geteuid() != 0
    if own_user and not _can_stay_ourselves():
        return False
    if not _unshare(_CLONE_NEWPID | (_CLONE_NEWUSER if own_user else 0)):
        return False
    if own_user:
        _map_ourselves()
    alive, held = os.pipe()
    init = os.fork()
    if init == 0:
        os.close(held)
        _be_init(alive)
    job = os.fork()
    if job != 0:
        _hold(init, job, held)
    os.close(held)
    _die_with_holder(alive)
    if own_user:
        _drop_capabilities()
    return True


def _unshare(flags: int) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.unshare(flags) == 0)


def _can_stay_ourselves() -> bool:
    """Whether a user namespace would let us be who we are: some containers give one and refuse that, and there is no way back out of it."""
    child = os.fork()
    if child == 0:
        permitted = _unshare(_CLONE_NEWPID | _CLONE_NEWUSER)
        try:
            _map_ourselves()
        except OSError:
            permitted = False
        os._exit(0 if permitted else 1)
    return os.waitpid(child, 0)[1] == 0


def _map_ourselves() -> None:
    """In a user namespace of our own we are still who we are."""
    uid, gid = os.geteuid(), os.getegid()
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def _drop_capabilities() -> None:
    """A new user namespace gives them all, inside; a job needs none."""
    header, nothing = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capset(header, nothing) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def _die_with_holder(alive: int) -> None:
    """The holder is our parent, but of another namespace: its pipe tells whether it is there."""
    kernel.die_with_any_parent()
    poller = select.poll()
    poller.register(alive, 0)
    if poller.poll(0):
        os._exit(1)
    os.close(alive)


def _be_init(alive: int) -> NoReturn:
    """Ends with the holder, which one look cannot tell: the job, just forked, may still have the pipe's other end."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # what is orphaned here is reaped by the kernel
    kernel.die_with_any_parent()
    _close_all_but(alive)
    poller = select.poll()
    poller.register(alive, 0)
    poller.poll()
    os._exit(1)


def _hold(init: int, job: int, held: int) -> NoReturn:
    """Ends as the job ends, once nothing is left of its namespace: an init is only reaped when all others are gone."""
    kernel.hide_memory()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in DEAF_TO:
        signal.signal(number, signal.SIG_IGN)
    _close_all_but(held)
    _, status = os.waitpid(job, 0)
    os.kill(init, signal.SIGKILL)
    os.waitpid(init, 0)
    if os.WIFSIGNALED(status):
        ended_by = os.WTERMSIG(status)
        if ended_by != signal.SIGKILL:
            signal.signal(ended_by, signal.SIG_DFL)
        os.kill(os.getpid(), ended_by)
    os._exit(os.waitstatus_to_exitcode(status))


def _close_all_but(fd: int) -> None:
    os.closerange(0, fd)
    os.closerange(fd + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
