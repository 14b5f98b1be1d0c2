"""A seccomp filter: the kernel refuses a process the system calls that a job has no use for, whatever language makes them.

Refused are sockets other than TCP, UDP and Unix ones (raw, packet, netlink, MPTCP, SCTP ...), listening, TCP's fast open (which Landlock
does not see as a connection), io_uring (whose requests no filter sees), looking into other processes, changing their limits, scheduling or
priority, what outlives all processes (System V's shared memory, semaphores and queues, POSIX's queues), kernel keys, BPF, new
namespaces, watching what others do with files or holding their files (inotify, fanotify, leases), and the kernel's log. The filter holds
for every thread and child that comes later. Sources: seccomp(2), bpf(4), fcntl(2), the kernel's tables of system calls.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import socket
import struct
import sys
from collections.abc import Iterable

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000

_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
"""Offsets in the kernel's ``struct seccomp_data``."""

_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06
_EQUAL, _AT_LEAST, _ANY_BIT = 0x15, 0x35, 0x45

_MSG_FASTOPEN = 0x20000000
_TYPE_BITS = 0xF
"""The bits of a socket's type that are not flags."""
_NEW_NAMESPACES = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET."""
_X32 = 0x40000000
"""First number of the system calls of x86-64's other interface, which no program of ours uses."""

_NAMES = (
    ("socket", "socketpair", "listen", "sendto", "sendmsg", "sendmmsg", "clone", "clone3", "unshare", "setns"),
    ("ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd", "process_madvise", "bpf", "perf_event_open", "userfaultfd"),
    ("add_key", "request_key", "keyctl", "io_uring_setup", "io_uring_enter", "io_uring_register", "mount", "open_by_handle_at"),
    ("prlimit64", "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler", "setpriority", "ioprio_set"),
    (
        "shmget",
        "shmat",
        "shmctl",
        "semget",
        "semop",
        "semtimedop",
        "semctl",
        "msgget",
        "msgsnd",
        "msgrcv",
        "msgctl",
        "mq_open",
        "mq_unlink",
    ),
    ("inotify_init1", "inotify_add_watch", "fanotify_init", "syslog", "fcntl"),
)
_NUMBERS = {
    "x86_64": (
        0xC000003E,
        (
            (41, 53, 50, 44, 46, 307, 56, 435, 272, 308),
            (101, 310, 311, 312, 438, 440, 321, 298, 323),
            (248, 249, 250, 425, 426, 427, 165, 304),
            (302, 203, 314, 142, 144, 141, 251),
            (29, 30, 31, 64, 65, 220, 66, 68, 69, 70, 71, 240, 241),
            (294, 254, 300, 103, 72),
        ),
    ),
    "aarch64": (
        0xC00000B7,
        (
            (198, 199, 201, 206, 211, 269, 220, 435, 97, 268),
            (117, 270, 271, 272, 438, 440, 280, 241, 282),
            (217, 218, 219, 425, 426, 427, 40, 265),
            (261, 122, 274, 118, 119, 140, 30),
            (194, 196, 195, 190, 193, 192, 191, 186, 189, 188, 187, 180, 181),
            (26, 27, 262, 116, 25),
        ),
    ),
}
"""Machine -> (its AUDIT_ARCH, the numbers of `_NAMES`)."""

_REFUSED = (*_NAMES[1], *_NAMES[2], *_NAMES[4], *_NAMES[5][:4], "listen", "unshare", "setns")
_OF_A_PROCESS = _NAMES[3][:5]
"""Calls whose first argument is the process that they change."""
_BY_KIND = (("setpriority", os.PRIO_PROCESS), ("ioprio_set", 1))
"""Calls whose second argument is a process if the first one is this number; by others it is a group or a user."""
_OF_FILES = (fcntl.F_SETLEASE, fcntl.F_NOTIFY)
"""Commands of fcntl that hold up whoever else opens a file, and that tell what others do in a folder."""
_FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6)
_PROTOCOLS = (0, socket.IPPROTO_TCP, socket.IPPROTO_UDP)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def restrict() -> bool:
    """Puts the filter in force for this process. False when the kernel or the machine has none.

    The process must have forbidden itself new privileges, and have one thread.
    """
    known = _NUMBERS.get(platform.machine())
    if known is None or sys.maxsize < 2**32:
        return False
    code = program(platform.machine())
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(_Program(len(code) // 8, code)), 0, 0) == 0)


def program(machine: str) -> bytes:
    """The filter for a machine as the kernel takes it: 8 bytes an instruction."""
    architecture, groups = _NUMBERS[machine]
    number = {name: value for names, values in zip(_NAMES, groups, strict=True) for name, value in zip(names, values, strict=True)}
    code = [_step(_LOAD, _ARCHITECTURE), _step(_EQUAL, architecture, yes=1), _refuse(errno.ENOSYS), _step(_LOAD, _NUMBER)]
    if machine == "x86_64":
        code += [_step(_AT_LEAST, _X32, no=1), _refuse(errno.ENOSYS)]
    for name in _REFUSED:
        code += [_step(_EQUAL, number[name], no=1), _refuse(errno.EPERM)]
    code += [
        _step(_EQUAL, number["clone3"], no=1),
        _refuse(errno.ENOSYS),
    ]  # its flags are out of a filter's sight; libc falls back on clone
    code += _when(number["clone"], [*_refuse_bits(0, _NEW_NAMESPACES)])
    for name, flags in (("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3)):
        code += _when(number[name], [*_refuse_bits(flags, _MSG_FASTOPEN)])
    for name in ("socket", "socketpair"):
        code += _when(
            number[name], [*_only(0, _FAMILIES), *_only(1, (socket.SOCK_STREAM, socket.SOCK_DGRAM), _TYPE_BITS), *_only(2, _PROTOCOLS)]
        )
    code += _when(
        number["fcntl"], [_argument(1), *(step for value in _OF_FILES for step in (_step(_EQUAL, value, no=1), _refuse(errno.EPERM)))]
    )
    # Of any process but the caller, which is 0. The filter cannot know the numbers of the threads and children that inherit it: a call that
    # names its own thread by number (pthread_setaffinity_np, pthread_setschedparam) fails too, and no library that jobs use makes one.
    for name in _OF_A_PROCESS:
        code += _when(number[name], [*_only(0, (0,), refusal=errno.EPERM)])
    for name, process in _BY_KIND:
        code += _when(number[name], [*_only(0, (process,), refusal=errno.EPERM), *_only(1, (0,), refusal=errno.EPERM)])
    return b"".join([*code, _step(_RETURN, _ALLOW)])


def _step(operation: int, operand: int, *, yes: int = 0, no: int = 0) -> bytes:
    """One instruction; `yes` and `no` are the numbers of instructions that a comparison skips."""
    return struct.pack("=HBBI", operation, yes, no, operand)


def _refuse(number: int) -> bytes:
    return _step(_RETURN, _ERRNO | number)


def _argument(index: int) -> bytes:
    """Loads the lower half of an argument, which is all that the kernel reads of an int."""
    return _step(_LOAD, _ARGUMENTS + 8 * index)


def _when(number: int, body: list[bytes]) -> list[bytes]:
    """Instructions for one system call, after which it is permitted."""
    return [_step(_EQUAL, number, no=len(body) + 1), *body, _step(_RETURN, _ALLOW)]


def _refuse_bits(index: int, bits: int) -> list[bytes]:
    return [_argument(index), _step(_ANY_BIT, bits, no=1), _refuse(errno.EPERM)]


def _only(index: int, values: Iterable[int], mask: int = 0xFFFFFFFF, *, refusal: int = errno.EAFNOSUPPORT) -> list[bytes]:
    """Refuses an argument that is none of the values."""
    wanted = [int(value) for value in values]
    tests = [_step(_EQUAL, value, yes=len(wanted) - place) for place, value in enumerate(wanted)]
    return [_argument(index), _step(_AND, mask), *tests, _refuse(refusal)]
