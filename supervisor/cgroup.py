"""Control groups: where the supervisor may divide its own group, each job gets a subgroup. Most containers permit none.

A group adds three things to the periodic survey of process trees: the kernel itself enforces the caps on memory and processes of the whole
tree; membership is known whatever a process does; and one write kills all members, even one that is just being forked. Version 2 can do
all of that; of version 1 the controllers `memory` and `pids` are used. Source: the kernel's admin-guide, cgroup-v2 and cgroup-v1.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from supervisor import kernel
from supervisor.folders import make_locked, remove_abandoned

CONTROLLERS = ("memory", "pids")
MAX_PROCESSES = 1024
"""Limit of one job, threads included."""

MEMORY_HEADROOM = 1.1
"""The group's limit as a multiple of the cap, so that RLIMIT_DATA and the survey, which can explain themselves, act first."""

MB = 1024 * 1024


class Hierarchy(NamedTuple):
    """The supervisor's folder in one hierarchy of control groups, and what its subgroups can do (``kill`` and `CONTROLLERS`)."""

    folder: Path
    controls: frozenset[str]


class Group:
    """One job's control group, with a folder in every usable hierarchy."""

    def __init__(self, folders: tuple[str, ...]) -> None:
        self._folders = folders

    @property
    def procs_files(self) -> tuple[str, ...]:
        """The files that a process writes to in order to join."""
        return tuple(f"{folder}/cgroup.procs" for folder in self._folders)

    def limit(self, memory_mb: int) -> None:
        """Sets the limits that the hierarchies support."""
        most = str(int(memory_mb * MB * MEMORY_HEADROOM))
        for name, value in (
            ("memory.max", most),
            ("memory.limit_in_bytes", most),
            ("memory.swap.max", "0"),
            ("memory.oom.group", "1"),
            ("pids.max", str(MAX_PROCESSES)),
        ):
            for folder in self._folders:
                _write(f"{folder}/{name}", value)

    def kill(self) -> None:
        """Sends SIGKILL to every member; on a kernel without ``cgroup.kill`` the survey does it."""
        for folder in self._folders:
            _write(f"{folder}/cgroup.kill", "1")

    def pids(self) -> set[int]:
        """The pids of the members in the supervisor's PID namespace."""
        return {int(line) for folder in self._folders for line in _lines(f"{folder}/cgroup.procs")} - {0}

    def out_of_memory(self) -> bool:
        """True when the kernel has killed a process because the group had reached its memory limit."""
        events = [f"{folder}/{name}" for folder in self._folders for name in ("memory.events", "memory.oom_control")]
        return any(line.startswith("oom_kill ") and line != "oom_kill 0" for path in events for line in _lines(path))

    def remove(self) -> None:
        """Removes the empty group; what cannot be removed now goes with the supervisor's own group, or at the next start."""
        for folder in self._folders:
            with contextlib.suppress(OSError):
                os.rmdir(folder)


class Groups:
    """All jobs' groups, below one group of this supervisor in each hierarchy. A lock marks that one as in use."""

    def __init__(self, wanted: bool = True) -> None:
        self._bases: list[str] = []
        self._locks: list[int] = []
        self._made = 0
        controls: set[str] = set()
        for hierarchy in _hierarchies() if wanted else ():
            remove_abandoned(hierarchy.folder, _remove_tree)
            with contextlib.suppress(OSError):
                self._enter(hierarchy)
                controls |= hierarchy.controls
        self.controls = tuple(sorted(controls))
        """The controls in force: ``kill``, ``memory``, ``pids``."""

    def _enter(self, hierarchy: Hierarchy) -> None:
        base, lock = make_locked(hierarchy.folder)
        _delegate(base)
        self._bases.append(str(base))
        self._locks.append(lock)

    def make(self, memory_mb: int) -> Group | None:
        """A new group with limits, in every hierarchy that permits one; None when none does."""
        self._made += 1
        made = []
        for folder in [f"{base}/{self._made}" for base in self._bases]:
            with contextlib.suppress(OSError):
                os.mkdir(folder)
                made.append(folder)
        if not made:
            return None
        group = Group(tuple(made))
        group.limit(memory_mb)
        return group

    def close(self) -> None:
        """Removes this supervisor's groups."""
        for base, lock in zip(self._bases, self._locks, strict=True):
            _remove_tree(Path(base))
            os.close(lock)
        self._bases, self._locks = [], []


def join(procs_files: tuple[str, ...]) -> bool:
    """Moves this process, and with it its future children, into a group. True when that worked in every hierarchy."""
    return not [path for path in procs_files if not _write(path, "0")]


def _hierarchies() -> Iterator[Hierarchy]:
    """The supervisor's group in each hierarchy that it may divide and that offers a control."""
    memberships = [line.split(":", 2) for line in _lines("/proc/self/cgroup")]
    for root, mounted, kind, options in _mounts():
        for _, names, path in memberships:
            version = 2 if not names else 1
            if kind != ("cgroup2" if version == 2 else "cgroup") or not set(names.split(",")) <= {"", *options}:
                continue
            folder = Path(mounted, path.removeprefix(root).lstrip("/"))
            if os.access(folder, os.W_OK) and os.access(folder / "cgroup.procs", os.W_OK):
                controls = _unified(folder) if version == 2 else frozenset(names.split(",")) & frozenset(CONTROLLERS)
                if controls:
                    yield Hierarchy(folder, controls)


def _mounts() -> Iterator[tuple[str, str, str, frozenset[str]]]:
    """(root, mount point, type, options) of the mounted hierarchies."""
    for line in _lines("/proc/self/mountinfo"):
        about, _, rest = line.partition(" - ")
        fields, kind = about.split(), rest.split()[0]
        if kind.startswith("cgroup"):
            yield fields[3], fields[4], kind, frozenset(rest.split()[-1].split(","))


def _unified(folder: Path) -> frozenset[str]:
    """The controls of subgroups in version 2. Controllers need a group without processes: a lone supervisor moves into a subgroup first."""
    if set(_lines(folder / "cgroup.procs")) == {str(os.getpid())} and (folder / "cgroup.type").exists():
        own = folder / "elder-worker"
        with contextlib.suppress(OSError):
            own.mkdir(exist_ok=True)
            _write(own / "cgroup.procs", "0")
    _delegate(folder)
    return frozenset({"kill"}) | _delegated(folder)


def _delegate(folder: Path) -> None:
    """Enables the controllers for the subgroups of `folder`, one by one, as far as that is permitted."""
    for name in set(CONTROLLERS) & {word for line in _lines(folder / "cgroup.controllers") for word in line.split()}:
        _write(folder / "cgroup.subtree_control", f"+{name}")


def _delegated(folder: Path) -> frozenset[str]:
    return frozenset(CONTROLLERS) & {word for line in _lines(folder / "cgroup.subtree_control") for word in line.split()}


def _remove_tree(base: Path) -> None:
    """Removes a group and its subgroups; the kernel's files in it go with their folder."""
    for folder in [*(path for path in base.glob("*") if path.is_dir()), base]:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _write(path: str | Path, value: str) -> bool:
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(fd, value.encode())
        finally:
            os.close(fd)
    except OSError:
        return False
    return True


def _lines(path: str | Path) -> list[str]:
    try:
        return kernel.read_file(path).decode().splitlines()
    except OSError:
        return []
