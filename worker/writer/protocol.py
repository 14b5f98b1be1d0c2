"""Checks the frames of a job's data pipe, one by one, against the protocol (the table in `worker.run.wire`).

Every byte comes from a process that runs third-party code: nothing is trusted, and the first violation ends the run.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

from providers.errors import Outcome
from providers.records import Identity, Organization, Scope
from supervisor.errors import ProtocolError
from worker.run import wire
from worker.run.wire import DataKind

MAX_SCOPES, MAX_OPEN = 1_000_000, 10_000
"""Most scopes of one run, and most open at once: an open scope costs a kilobyte, and a source reads some hundreds at a time."""

Message = (
    Identity
    | tuple[Scope, ...]
    | wire.ScopeOpened
    | list[Organization]
    | wire.Records
    | wire.ScopeEnd
    | wire.LogLines
    | wire.Complete
    | wire.Failed
)

_DECODERS: dict[DataKind, msgspec.json.Decoder[Any]] = {
    DataKind.IDENTITY: msgspec.json.Decoder(Identity),
    DataKind.PLANNED: msgspec.json.Decoder(tuple[Scope, ...]),
    DataKind.SCOPE: msgspec.json.Decoder(wire.ScopeOpened),
    DataKind.ORGANIZATIONS: msgspec.json.Decoder(list[Organization]),
    DataKind.RECORDS: msgspec.json.Decoder(wire.Records),
    DataKind.SCOPE_END: msgspec.json.Decoder(wire.ScopeEnd),
    DataKind.LOG: msgspec.json.Decoder(wire.LogLines),
    DataKind.COMPLETE: msgspec.json.Decoder(wire.Complete),
    DataKind.FAILED: msgspec.json.Decoder(wire.Failed),
}


_BATCH = re.compile(rb"\[(\d{1,15}),(\d{1,9}),(?=\[)")
"""Bytes before the resources of a RECORDS frame."""


class Batch(NamedTuple):
    """A RECORDS frame of an open scope, with the number that is expected next. Its resources are not decoded yet, and may be invalid."""

    scope: int
    encoded: memoryview


class Conversation:
    """The state of one job's data pipe: open scopes, counts, and how it ended."""

    def __init__(self) -> None:
        self.identity: Identity | None = None
        self.open: dict[int, Scope] = {}
        self.waiting: dict[Scope, None] = {}
        """Planned, and not opened yet; in the order of the plan."""
        self.complete = False
        self.failed: wire.Failed | None = None
        self.scopes = 0
        self.resources = 0
        self.rejected = 0
        self.outcomes: dict[str, int] = {}
        self._counts: dict[int, int] = {}
        self._sequence = 0

    def accept(self, kind: DataKind, body: bytes) -> Message:
        """Decodes a frame's body and checks that it is allowed here. Raises `ProtocolError`."""
        if self.complete or self.failed:
            raise ProtocolError(f"a {kind.name} frame came after {'COMPLETE' if self.complete else 'FAILED'}, which is the last one")
        try:
            message: Message = _DECODERS[kind].decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise ProtocolError(f"a {kind.name} frame cannot be read: {error}") from None
        self._CHECKS[kind](self, message)
        return message

    def batch(self, kind: DataKind, body: bytes) -> Batch | None:
        """The resources of a RECORDS frame as they came; None for all other frames, and for one that `accept` would refuse unread."""
        if kind is not DataKind.RECORDS or self.complete or self.failed:
            return None
        found = _BATCH.match(body)
        if not found or int(found[1]) != self._sequence or int(found[2]) not in self.open or body[-1:] != b"]":
            return None
        return Batch(int(found[2]), memoryview(body)[found.end() : -1])

    def repeated(self, batch: Batch, resources: int) -> None:
        """Counts a batch that the inventory knows, byte by byte: it was decoded and accepted when it came first."""
        self._sequence += 1
        self._counts[batch.scope] += resources
        self.resources += resources

    @property
    def planned(self) -> int:
        """Scopes that were planned or opened so far."""
        return self.scopes + len(self.waiting)

    def _identity(self, identity: Identity) -> None:
        if self.identity is not None or self.scopes:
            raise ProtocolError("an IDENTITY frame came twice or after the first scope")
        self.identity = identity

    def _planned(self, scopes: tuple[Scope, ...]) -> None:
        self.waiting.update(dict.fromkeys(scopes))
        if len(self.waiting) > MAX_SCOPES:
            raise ProtocolError(f"more than {MAX_SCOPES:,} scopes were planned")

    def _scope(self, opened: wire.ScopeOpened) -> None:
        if opened.index != self.scopes:
            raise ProtocolError(f"scope {opened.index} was opened where scope {self.scopes} comes next")
        if self.scopes >= MAX_SCOPES:
            raise ProtocolError(f"more than {MAX_SCOPES:,} scopes were opened")
        if len(self.open) >= MAX_OPEN:
            raise ProtocolError(f"more than {MAX_OPEN:,} scopes are open")
        self.scopes += 1
        self.open[opened.index] = opened.scope
        self.waiting.pop(opened.scope, None)
        self._counts[opened.index] = 0

    def _organizations(self, organizations: list[Organization]) -> None:
        if any(not one.external_id or not one.name for one in organizations):
            raise ProtocolError("an organization has no id or no name")

    def _records(self, records: wire.Records) -> None:
        if records.sequence != self._sequence:
            raise ProtocolError(f"RECORDS number {records.sequence} came where number {self._sequence} comes next")
        if records.index not in self.open:
            raise ProtocolError(f"RECORDS came for scope {records.index}, which is not open")
        if len(records.resources) > wire.MAX_RECORDS:
            raise ProtocolError(f"RECORDS has {len(records.resources)} resources, and {wire.MAX_RECORDS} is the most")
        self._sequence += 1
        self._counts[records.index] += len(records.resources)
        self.resources += len(records.resources)

    def _scope_end(self, end: wire.ScopeEnd) -> None:
        if end.index not in self.open:
            raise ProtocolError(f"scope {end.index} was closed, which is not open")
        if end.resources != self._counts[end.index]:
            raise ProtocolError(f"scope {end.index} claims {end.resources} resources, {self._counts[end.index]} arrived")
        if end.rejected < 0:
            raise ProtocolError(f"scope {end.index} claims {end.rejected} rejected resources")
        del self.open[end.index], self._counts[end.index]
        self.rejected += end.rejected
        self.count(end.outcome)

    def _log_lines(self, log: wire.LogLines) -> None:
        if len(log.lines) > wire.MAX_LINES:
            raise ProtocolError(f"LOG has {len(log.lines)} lines, and {wire.MAX_LINES} is the most")

    def _complete(self, complete: wire.Complete) -> None:
        if self.open:
            raise ProtocolError(f"COMPLETE came while {len(self.open)} scopes are open")
        if (complete.scopes, complete.resources) != (self.scopes, self.resources):
            raise ProtocolError(
                f"COMPLETE claims {complete.scopes} scopes and {complete.resources} resources, {self.scopes} and {self.resources} arrived"
            )
        self.complete = True

    def _failed(self, failed: wire.Failed) -> None:
        self.failed = failed

    def arrived(self, index: int) -> int:
        """How many resources of an open scope have arrived."""
        return self._counts[index]

    def count(self, outcome: Outcome) -> None:
        """Counts a scope that ended with this outcome."""
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1

    _CHECKS: dict[DataKind, Any] = {  # noqa: RUF012 - never changed
        DataKind.IDENTITY: _identity,
        DataKind.PLANNED: _planned,
        DataKind.SCOPE: _scope,
        DataKind.ORGANIZATIONS: _organizations,
        DataKind.RECORDS: _records,
        DataKind.SCOPE_END: _scope_end,
        DataKind.LOG: _log_lines,
        DataKind.COMPLETE: _complete,
        DataKind.FAILED: _failed,
    }
