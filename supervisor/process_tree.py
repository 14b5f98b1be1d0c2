"""A snapshot of the running processes, sorted into the process trees of jobs and the orphans that left one.

A tree is the leader, its descendants, the members of its session and of its control group, and every process that was once seen in the
tree. An orphan is a child that the supervisor did not spawn: its parents in the tree have died (a double fork). It is killed on sight.
"""

from __future__ import annotations

import os
from collections.abc import Collection

from supervisor import kernel
from supervisor.kernel import ProcessInfo


class ProcessTable:
    """The processes that exist now, with their parents and sessions."""

    def __init__(self) -> None:
        self._processes = {process.pid: process for process in kernel.processes()}
        self._children: dict[int, list[ProcessInfo]] = {}
        for process in self._processes.values():
            self._children.setdefault(process.parent, []).append(process)
        self.hidden = sum(process.hidden for process in self._children.get(os.getpid(), ()))
        """Number of this process's children that /proc hides."""

    def tree(self, leader: int, seen: Collection[tuple[int, int]], also: Collection[int] = ()) -> list[ProcessInfo]:
        """The members of a job's tree with zombies, without the leader. `seen`: (pid, started) of earlier members; `also`: other pids."""
        found = {process.pid: process for process in self._descendants(leader)}
        for process in self._processes.values():
            if process.session == leader or (process.pid, process.started) in seen or process.pid in also:
                found[process.pid] = process
                found.update((below.pid, below) for below in self._descendants(process.pid))
        found.pop(leader, None)
        return list(found.values())

    def orphans(self, known: Collection[int]) -> list[ProcessInfo]:
        """Children of the supervisor that are not in `known`."""
        return [process for process in self._children.get(os.getpid(), ()) if process.pid not in known]

    def _descendants(self, pid: int) -> list[ProcessInfo]:
        found = list(self._children.get(pid, ()))
        for process in found:  # grows while it is iterated
            found += self._children.get(process.pid, ())
        return found
