"""Who lives, whose they are: one look at /proc, sorted into the trees of jobs and the orphans that left one.

A tree is the leader, what descends from it, what is in its session or its control group, and every process that was once seen in it. An
orphan is a child of ours that we did not make: it left its tree by dying parents (a double fork), and is killed on sight.
"""

from __future__ import annotations

import os
from collections.abc import Collection

from supervisor import kernel
from supervisor.kernel import Member


class Census:
    """A snapshot of the processes that we can see."""

    def __init__(self) -> None:
        self._members = {found.pid: found for found in kernel.processes()}
        self._children: dict[int, list[Member]] = {}
        for found in self._members.values():
            self._children.setdefault(found.parent, []).append(found)

    def tree(self, leader: int, seen: Collection[tuple[int, int]], also: Collection[int] = ()) -> list[Member]:
        """The members of a job's tree, without the leader, zombies included. `seen`: (pid, started) of earlier ones; `also`: other pids."""
        found = {member.pid: member for member in self._below(leader)}
        for member in self._members.values():
            if member.session == leader or (member.pid, member.started) in seen or member.pid in also:
                found[member.pid] = member
                found.update((below.pid, below) for below in self._below(member.pid))
        found.pop(leader, None)
        return list(found.values())

    def orphans(self, known: Collection[int]) -> list[Member]:
        """Children of ours that are none of `known`."""
        return [member for member in self._children.get(os.getpid(), ()) if member.pid not in known]

    def _below(self, pid: int) -> list[Member]:
        found = list(self._children.get(pid, ()))
        for member in found:  # grows while it is walked
            found += self._children.get(member.pid, ())
        return found
