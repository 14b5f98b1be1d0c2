"""Holds the thread that writes a run's rows beside the reading, at one moment of its transaction, once."""

from __future__ import annotations

import os
import pathlib
import threading
from collections.abc import Callable
from typing import Any

VARIABLE = "HELD_WRITES"
"""Environment variable of the writer: the moment, and the folder in which the test and the writer leave files."""

MOMENTS = {"begun": "idle in transaction", "written": "idle in transaction", "committed": "idle"}
"""The moments: the claim is checked and no row is written, all rows are written, the transaction is committed; what PostgreSQL says of each."""


class Hold:
    """A writer's transaction that is held at one moment, from the side of the test."""

    def __init__(self, moment: str, folder: pathlib.Path) -> None:
        self.environment = f"{moment}:{folder}"
        self._wanted, self._held = folder / "hold", folder / "held"

    def arm(self) -> None:
        """The next write beside a reading is held."""
        self._wanted.touch()

    def held(self) -> bool:
        """True once a write is held."""
        return self._held.exists()


def install() -> None:
    """Makes this process, a writer, hold its transactions at the moment that its environment names."""
    moment, _, name = os.environ.get(VARIABLE, "").partition(":")
    if moment:
        _install(moment, pathlib.Path(name))


def _install(moment: str, folder: pathlib.Path) -> None:
    from worker.store.claimed import ClaimedConnection
    from worker.store.run_writes import RunWrites

    def at(name: str) -> None:
        if name == moment and threading.current_thread().name.startswith("writes of run") and (folder / "hold").exists():
            (folder / "hold").rename(folder / "held")
            threading.Event().wait()

    def write(self: RunWrites, connection: Any, original: Callable[..., Any] = RunWrites._write) -> Any:
        at("begun")
        stored = original(self, connection)
        at("written")
        return stored

    def transact(self: ClaimedConnection, work: Callable[..., Any], original: Callable[..., Any] = ClaimedConnection.transact) -> Any:
        result = original(self, work)
        at("committed")
        return result

    RunWrites._write, ClaimedConnection.transact = write, transact
