"""Outcomes of runs that the database has not taken yet, in memory that outlives the writer: a writer that dies leaves them to the next one.

The memory belongs to the supervisor's process, so no folder is involved that could be full or read-only. It ends with the worker: a run
whose outcome was in it ends as ``lost`` when its claim is swept.
"""

from __future__ import annotations

import threading

import msgspec
import structlog

from supervisor.published import PublishedState
from worker.run.outcome import Verdict
from worker.run.queue import Claimed

_log = structlog.get_logger("worker.unstored")


class Unstored(msgspec.Struct, frozen=True):
    """How a run ended, and its claim; `owner` is the writer that made the claim."""

    owner: str
    claimed: Claimed
    verdict: Verdict


class UnstoredOutcomes:
    """The outcomes that wait; safe from any thread. Without a descriptor they are kept nowhere."""

    def __init__(self, owner: str = "", fd: int | None = None) -> None:
        """`owner` is this writer; `fd` is a descriptor of the memory."""
        self._owner, self._memory, self._lock = owner, PublishedState(fd) if fd is not None else None, threading.Lock()
        self._waiting = {one.claimed.run_id: one for one in self._read()}
        self.left = tuple(self._waiting.values())
        """The outcomes that an earlier writer of this worker has left."""

    def keep(self, claimed: Claimed, verdict: Verdict) -> None:
        """Keeps how a run ended until `drop`; replaces what was kept of the run.

        The job's config, which holds secrets, is left out, and so is the run's log: it is lost with this writer, the outcome is not.
        """
        claimed = msgspec.structs.replace(claimed, config={}, attempted=())
        with self._lock:
            self._waiting[claimed.run_id] = Unstored(self._owner, claimed, msgspec.structs.replace(verdict, log=None))
            self._write()

    def drop(self, run: int) -> None:
        """Forgets a run whose outcome is stored, or never will be."""
        with self._lock:
            if self._waiting.pop(run, None) is not None:
                self._write()

    def _write(self) -> None:
        if self._memory is None:
            return
        try:
            self._memory.write(msgspec.json.encode(list(self._waiting.values())))
        except OSError as error:
            _log.warning(f"outcomes that are not stored yet cannot be kept for the next writer, and are lost if this one dies: {error}")

    def _read(self) -> list[Unstored]:
        data = self._memory.read() if self._memory is not None else b""
        try:
            return msgspec.json.decode(data, type=list[Unstored]) if data else []
        except msgspec.MsgspecError as error:
            _log.warning(f"the outcomes that the last writer kept cannot be read, and their runs end as lost: {error}")
            return []
