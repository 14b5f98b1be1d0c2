"""Landlock: the kernel refuses a process every file but the permitted ones (Linux 5.13), and every TCP port but the permitted ones (6.7).

It needs no privileges. Ports are all that its rules know: not addresses, not names, and nothing but TCP.

Rules apply to the calling thread and to what it starts afterwards, so they are set before any other thread exists. Source: landlock(7).
"""

from __future__ import annotations

import ctypes
import functools
import os
import stat
import sys
from collections.abc import Collection, Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RULE_PATH_BENEATH, _RULE_NET_PORT = 1, 2
_VERSION = 1
PORTS = 4
"""The first ABI with rules for TCP ports."""
SIGNALS = 6
"""The first ABI that keeps signals and connections to abstract sockets inside (Linux 6.12)."""

_BIND_TCP, _CONNECT_TCP = 1, 2

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_ABSTRACT_SOCKETS, _SIGNALS = 1, 2

SYSTEM = (
    "/usr",
    "/bin",
    "/lib",
    "/lib64",
    "/etc",
    "/proc",
    "/sys/fs/cgroup",
    "/sys/devices/system/cpu",
    "/nix/store",
    "/run/systemd/resolve",
)
"""Folders that the interpreter and an SDK read on any system: programs, libraries, certificates, host names, time zones."""

DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")

CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE")
"""Environment variables that name files or folders with the certificates of the operator's own CA."""


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


class _NetPort(ctypes.Structure):
    _fields_ = (("allowed", ctypes.c_uint64), ("port", ctypes.c_uint64))


def abi() -> int:
    """The Landlock version of the kernel; 0 when the kernel has none or it is switched off."""
    return max(0, _syscall(_CREATE_RULESET, None, 0, _VERSION))


def confine(readable: Iterable[str], writable: Iterable[str], *, files: bool = True, ports: Collection[int] | None = None) -> int:
    """Restricts this process and returns the ABI of the kernel, 0 for one without Landlock.

    With `files`, file access is restricted to these paths and those of the interpreter and the system. With `ports`, TCP connections are
    restricted to them and no port is bound but one of the kernel's choice, from ABI 4 on. The process must have forbidden itself new
    privileges. Unix sockets in the file system stay reachable; signals and abstract sockets reach no process outside (ABI 6).
    """
    version = abi()
    everything = (1 << (13 + (version >= 2) + (version >= 3) + (version >= 5))) - 1 if files else 0
    net = _BIND_TCP | _CONNECT_TCP if ports is not None and version >= PORTS else 0
    if not version or not everything | net:
        return 0
    size = 8 if version < PORTS else 16 if version < SIGNALS else 24
    ruleset = _syscall(_CREATE_RULESET, ctypes.byref(_Ruleset(everything, net, _ABSTRACT_SOCKETS | _SIGNALS)), size, 0)
    if ruleset < 0:
        return 0
    try:
        if files:
            _allow_files(ruleset, readable, writable, everything)
        if net:
            _allow_ports(ruleset, ports or ())
        return version if _syscall(_RESTRICT_SELF, ruleset, 0) == 0 else 0
    finally:
        os.close(ruleset)


def _allow_ports(ruleset: int, ports: Iterable[int]) -> None:
    rules = [
        (_BIND_TCP, 0),
        *((_CONNECT_TCP, port) for port in ports),
    ]  # 0: a port of the kernel's choice, which clients such as ldap3 bind
    for allowed, port in rules:
        _syscall(_ADD_RULE, ruleset, _RULE_NET_PORT, ctypes.byref(_NetPort(allowed, port)), 0)


def _allow_files(ruleset: int, readable: Iterable[str], writable: Iterable[str], everything: int) -> None:
    for path in (*SYSTEM, *_interpreter(), *_certificates(), *readable):
        _allow(ruleset, path, _READ)
    for path in (*writable, *DEVICES):
        _allow(ruleset, path, everything)


@functools.cache
def _interpreter() -> tuple[str, ...]:
    """Paths of the interpreter and of what it imports; of a source tree only the packages, because other files may lie beside them.

    Found once: a process that is confined may not look into the source tree's own folder when it confines itself further.
    """
    root = Path(__file__).parents[1]
    packages = (str(package.parent) for package in root.glob("*/__init__.py"))
    return (sys.prefix, sys.base_prefix, sys.exec_prefix, *packages, *(path for path in sys.path if path and Path(path) != root))


def _certificates() -> tuple[str, ...]:
    return tuple(os.environ[name] for name in CERTIFICATES if name in os.environ)


def _allow(ruleset: int, path: str, rights: int) -> None:
    """Adds a rule for a path; a path that does not exist needs none."""
    try:
        fd = os.open(_renewable(path), os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        allowed = rights if stat.S_ISDIR(os.fstat(fd).st_mode) else rights & _OF_FILES
        rule = _PathBeneath(allowed, fd)
        _syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(fd)


def _renewable(path: str) -> str:
    """The path to permit. Kubernetes renews a projected file by exchanging the folder it links into: then the folder above is permitted."""
    folder = Path(path).parent
    return str(folder) if (folder / "..data").is_symlink() else path


def _syscall(*arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    result: int = libc.syscall(*arguments)
    return result
