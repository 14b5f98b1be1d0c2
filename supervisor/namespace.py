"""A PID namespace for each job, where the kernel permits one: every process in it dies with it, whatever it did to detach itself.

Three processes take part. The *holder* stays outside: the supervisor knows it as the job, and it ends as the job ends, but not before the
namespace is empty. The *init* is the namespace's first process; it adopts orphans, and the kernel kills the whole namespace when it ends.
The *job* is an ordinary process beside the init, because the kernel does not deliver most signals to an init. If the supervisor is killed,
the holder dies with it, the init with the holder, and the namespace with the init.
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

IGNORED_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGABRT)
"""Signals that the holder ignores: they are sent to the process group and meant for the job."""


def enter() -> bool:
    """Enters a new PID namespace. True in the job, inside; the calling process becomes the holder. False when that is not permitted.

    To be called by a process with one thread.
    """
    own_user = os.geteuid() != 0
    user, group = os.geteuid(), os.getegid()  # in the new namespace, nobody's until they are mapped
    if own_user and not _can_keep_user():
        return False
    if not _unshare(_CLONE_NEWPID | (_CLONE_NEWUSER if own_user else 0)):
        return False
    if own_user:
        _map_user(user, group)
    alive, held = os.pipe()
    init = os.fork()
    if init == 0:
        os.close(held)
        _run_init(alive)
    job = os.fork()
    if job != 0:
        _run_holder(init, job, held)
    os.close(held)
    _die_with_holder(alive)
    if own_user:
        kernel.keep_capabilities(0)  # the new user namespace has granted all of them inside
    return True


def _unshare(flags: int) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.unshare(flags) == 0)


def _can_keep_user() -> bool:
    """True if a user namespace can map the current user. Some containers permit one but not the mapping, and a namespace cannot be left."""
    user, group = os.geteuid(), os.getegid()
    child = os.fork()
    if child == 0:
        permitted = _unshare(_CLONE_NEWPID | _CLONE_NEWUSER)
        try:
            _map_user(user, group)
        except OSError:
            permitted = False
        os._exit(0 if permitted else 1)
    return os.waitpid(child, 0)[1] == 0


def _map_user(user: int, group: int) -> None:
    """Maps the user and the group, which the process had outside, to themselves in its new user namespace."""
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def _die_with_holder(alive: int) -> None:
    """Makes the kernel kill the job with its holder, whose pid is not visible here: the pipe shows whether it has died already."""
    kernel.die_with_any_parent()
    poller = select.poll()
    poller.register(alive, 0)
    if poller.poll(0):
        os._exit(1)
    os.close(alive)


def _run_init(alive: int) -> NoReturn:
    """Runs as the init until the holder ends. The pipe must be waited for: the job, just forked, may still hold its other end."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps orphans here
    kernel.die_with_any_parent()
    _close_all_but(alive)
    poller = select.poll()
    poller.register(alive, 0)
    poller.poll()
    os._exit(1)


def _run_holder(init: int, job: int, held: int) -> NoReturn:
    """Ends as the job has ended, once its namespace is empty: an init can only be reaped when all others are gone."""
    kernel.hide_memory()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in IGNORED_SIGNALS:
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
