"""Control groups: where we are given one that we may divide, each job gets a part of its own. Most containers give none.

What a group adds to the watch and the sweep: the kernel keeps the caps on memory and processes of the whole tree, with no moment between
two looks; who is in it is known whatever it does; and one write ends them all, even who is just being forked. Version 2 can do all of
that. Of version 1 we use the controllers `memory` and `pids`. Source: the kernel's admin-guide, cgroup-v2 and cgroup-v1.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from supervisor import kernel
from supervisor.folders import hold, remove_abandoned

CONTROLLERS = ("memory", "pids")
MAX_PROCESSES = 1024
"""Of one job, threads included."""

MEMORY_HEADROOM = 1.1
"""Over the cap: the watch and RLIMIT_DATA, which can say what happened, come first. Page cache counts here too, but is given back."""

MB = 1024 * 1024


class Place(NamedTuple):
    """A folder in a hierarchy of control groups, and what its subgroups can do (``kill`` and `CONTROLLERS`)."""

    folder: Path
    controls: frozenset[str]


class Group:
    """One job's: the same group in every hierarchy that we have a place in."""

    def __init__(self, folders: tuple[str, ...]) -> None:
        self._folders = folders

    @property
    def doors(self) -> tuple[str, ...]:
        """The files by which a process joins."""
        return tuple(f"{folder}/cgroup.procs" for folder in self._folders)

    def limit(self, memory_mb: int) -> None:
        """Sets what can be set."""
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
        """SIGKILL for everybody in it; a kernel that cannot leaves it to the sweep."""
        for folder in self._folders:
            _write(f"{folder}/cgroup.kill", "1")

    def pids(self) -> set[int]:
        """Who is in it, as far as we can see them."""
        return {int(line) for folder in self._folders for line in _lines(f"{folder}/cgroup.procs")} - {0}

    def out_of_memory(self) -> bool:
        """Whether the kernel has ended a process because the group was at its limit."""
        events = [f"{folder}/{name}" for folder in self._folders for name in ("memory.events", "memory.oom_control")]
        return any(line.startswith("oom_kill ") and line != "oom_kill 0" for path in events for line in _lines(path))

    def remove(self) -> None:
        """It must be empty; what cannot be removed now goes with the supervisor's own, or at the next start."""
        for folder in self._folders:
            with contextlib.suppress(OSError):
                os.rmdir(folder)


class Groups:
    """All jobs' groups, below one of this supervisor's own in each hierarchy. It holds locks on those: without, they are abandoned."""

    def __init__(self, wanted: bool = True) -> None:
        self._bases: list[str] = []
        self._locks: list[int] = []
        self._made = 0
        controls: set[str] = set()
        for place in _places() if wanted else ():
            remove_abandoned(place.folder, _remove_tree)
            with contextlib.suppress(OSError):
                self._settle(place)
                controls |= place.controls
        self.controls = tuple(sorted(controls))
        """What is in force: ``kill``, ``memory``, ``pids``."""

    def _settle(self, place: Place) -> None:
        base, lock = hold(place.folder)
        _delegate(base)
        self._bases.append(str(base))
        self._locks.append(lock)

    def make(self, memory_mb: int) -> Group | None:
        """A group with those limits, in every hierarchy that gives one; None where no hierarchy does."""
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
        """Removes ours."""
        for base, lock in zip(self._bases, self._locks, strict=True):
            _remove_tree(Path(base))
            os.close(lock)
        self._bases, self._locks = [], []


def join(doors: tuple[str, ...]) -> bool:
    """Moves this process into a group; whether it worked everywhere. Its children to come are in it too."""
    return not [door for door in doors if not _write(door, "0")]


def _places() -> Iterator[Place]:
    """Where we are, in each hierarchy that we may divide and that offers something."""
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
                    yield Place(folder, controls)


def _mounts() -> Iterator[tuple[str, str, str, frozenset[str]]]:
    """(root, mount point, type, options) of the mounted hierarchies."""
    for line in _lines("/proc/self/mountinfo"):
        about, _, rest = line.partition(" - ")
        fields, kind = about.split(), rest.split()[0]
        if kind.startswith("cgroup"):
            yield fields[3], fields[4], kind, frozenset(rest.split()[-1].split(","))


def _unified(folder: Path) -> frozenset[str]:
    """What subgroups there can do. Controllers need a group without processes of its own: if we are alone in it, we make room."""
    if set(_lines(folder / "cgroup.procs")) == {str(os.getpid())} and (folder / "cgroup.type").exists():
        room = folder / "elder-worker"
        with contextlib.suppress(OSError):
            room.mkdir(exist_ok=True)
            _write(room / "cgroup.procs", "0")
    _delegate(folder)
    return frozenset({"kill"}) | _delegated(folder)


def _delegate(folder: Path) -> None:
    """Lets its subgroups have the controllers, one by one, as far as that is permitted."""
    for name in set(CONTROLLERS) & {word for line in _lines(folder / "cgroup.controllers") for word in line.split()}:
        _write(folder / "cgroup.subtree_control", f"+{name}")


def _delegated(folder: Path) -> frozenset[str]:
    return frozenset(CONTROLLERS) & {word for line in _lines(folder / "cgroup.subtree_control") for word in line.split()}


def _remove_tree(base: Path) -> None:
    """The files in it are the kernel's, and go with their folder."""
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
        return kernel.contents(path).decode().splitlines()
    except OSError:
        return []
