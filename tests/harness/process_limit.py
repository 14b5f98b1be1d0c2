"""A limit on the number of processes, by the pids controller, as a container has one."""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Iterator

from peers.absent import missing

HIERARCHY = pathlib.Path("/sys/fs/cgroup/pids")


class ProcessLimit:
    """A control group with `processes` in it."""

    def __init__(self, folder: pathlib.Path, processes: list[int]) -> None:
        self._folder = folder
        for pid in processes:
            (folder / "cgroup.procs").write_text(str(pid))

    def spare(self, count: int) -> None:
        """Lets the group have `count` more processes than it has now."""
        now = int((self._folder / "pids.current").read_text())
        (self._folder / "pids.max").write_text(str(now + count))

    def lift(self) -> None:
        """Removes the limit."""
        (self._folder / "pids.max").write_text("max")


@contextlib.contextmanager
def process_limit(*processes: int) -> Iterator[ProcessLimit]:
    """The group; at the end its members are moved back and it is removed."""
    if not os.access(HIERARCHY / "cgroup.procs", os.W_OK):
        missing("no pids controller of version 1 that this user may divide")
    folder = HIERARCHY / f"elder-test-{os.getpid()}-{processes[0]}"
    folder.mkdir()
    try:
        yield ProcessLimit(folder, list(processes))
    finally:
        (folder / "pids.max").write_text("max")
        for pid in (folder / "cgroup.procs").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                (HIERARCHY / "cgroup.procs").write_text(pid)
        folder.rmdir()
