"""Sends a connector's results to the Elder API. It needs no database: it fetches the fingerprints of each scope once.

One batch is on its way in a thread of its own while the next is read and compared. Every other call to the API waits for it.
"""

from __future__ import annotations

import sys
import time
from array import array
from collections.abc import Callable

import msgspec
import structlog

from providers.errors import Outcome
from providers.records import Absence, Identity, Organization, Scope
from supervisor.messages import Exited
from worker.run import wire
from worker.run.aside import Aside
from worker.run.causes import Causes, Unread
from worker.run.fingerprints import INTEGER, Change, Fingerprints, content_of, key_of
from worker.run.inventory import InventoryError, Totals, held_back, release_command, unobserved
from worker.run.outcome import RunLog, Status, Verdict
from worker.sync.client import ApiError, ElderApi
from worker.sync.messages import Batch, ScopeClosed, ScopeOpened, Stored, SyncRun

BATCH_BYTES = 4 * 1024 * 1024
"""Most bytes of resources in one request; as many are gathered meanwhile."""

UNREACHABLE = "api"
"""Kind of the error of a sync whose API cannot be reached, and could not be told of it either."""

MAX_NOT_REACHED = 1000
"""Most scopes that were not reached of which the API is told by name."""

_log = structlog.get_logger("worker.sync")


class Destination(msgspec.Struct, frozen=True):
    """Organization settings of a sync."""

    default_organization_id: int | None = None
    create_missing_organizations: bool = True


class _Open:
    """A scope that is being read."""

    def __init__(self, scope: Scope, known: Fingerprints) -> None:
        self.scope, self.known = scope, known
        self.pending: list[msgspec.Raw] = []
        self.size = 0
        self.rejected = 0
        self.rejection = ""

    def hand_over(self) -> list[msgspec.Raw]:
        """The gathered resources, which are sent now."""
        pending, self.pending, self.size = self.pending, [], 0
        return pending

    def take_back(self, resources: list[msgspec.Raw]) -> None:
        """Gathers resources again that the API has not stored."""
        self.pending = resources + self.pending

    def reject(self, reason: str) -> None:
        """Counts a resource that is not stored; the first reason is told."""
        self.rejected += 1
        self.rejection = self.rejection or reason


class ApiInventory:
    """The inventory of one sync."""

    def __init__(
        self, api: ElderApi, owner: str, run: str, destination: Destination, batch_size: int = 500, version: str = "", request: int = 0
    ) -> None:
        """`owner` is ``connector:<name>``; `batch_size` is SYNC_BATCH_SIZE; `version` is that of the catalogue; it serves `request`."""
        self._api, self._owner, self._run, self._version = api, owner, run, version
        self._destination, self._batch_size, self._request = destination, batch_size, request
        self._organizations: list[Organization] = []
        self._open: dict[int, _Open] = {}
        self._last: _Open | None = None
        self._aside: Aside[Stored] = Aside(f"batches of {owner}")
        self._sent: tuple[_Open, Batch] | None = None
        self._identity: Identity | None = None
        self._causes = Causes()
        self._observer: Callable[[int, int], None] = unobserved
        self.totals = Totals()
        self.attempted: list[Scope] = []
        """The scopes that were begun, the first first."""

    def observe(self, stored: Callable[[int, int], None]) -> None:
        """Has `stored` called after each batch that the API has taken, with when it was sent and its rows."""
        self._observer = stored

    def identity(self, identity: Identity) -> None:
        """Keeps the identity for the history."""
        self._identity = identity

    def organizations(self, organizations: list[Organization]) -> None:
        """Keeps organizations for the next batch, which may name them."""
        self._organizations += organizations

    def begin(self, index: int, scope: Scope) -> None:
        """Opens a scope and fetches its fingerprints."""
        self.attempted.append(scope)
        self._await()
        try:
            answer = self._api.begin_scope(ScopeOpened(self._owner, self._run, scope))
        except ApiError as error:
            raise _failed(error) from error
        self._open[index] = self._last = _Open(scope, Fingerprints.from_bytes(answer.fingerprints))

    def repeated(self, index: int, encoded: bytes | memoryview) -> int:  # noqa: ARG002 - as every inventory
        """0: the API keeps no marks of batches."""
        return 0

    def records(self, index: int, resources: list[msgspec.Raw]) -> None:
        """Gathers and sends new and changed resources."""
        opened = self._open[index]
        self.totals.resources += len(resources)
        for raw in resources:
            data = bytes(raw)
            try:
                found = opened.known.compare(key_of(data), content_of(data))
            except ValueError as error:
                self._reject(opened, str(error))
                continue
            if found is Change.UNCHANGED:
                self.totals.unchanged += 1
                continue
            opened.pending.append(raw)
            opened.size += len(data)
            if len(opened.pending) >= self._batch_size or opened.size >= BATCH_BYTES:
                self._send(opened)

    def end(self, end: wire.ScopeEnd) -> None:
        """Closes a scope and names what it has not shown, which the API tombstones only after a complete reading."""
        opened = self._open.pop(end.index)
        self._send(opened)
        self._await()
        rejected = end.rejected + opened.rejected
        self.totals.rejected += end.rejected
        self.totals.outcomes[end.outcome] = self.totals.outcomes.get(end.outcome, 0) + 1
        may_tombstone = end.outcome is Outcome.COMPLETE and not rejected and end.absence is Absence.DELETED
        closed = ScopeClosed(
            owner=self._owner,
            run=self._run,
            scope=opened.scope,
            outcome=end.outcome,
            resources=end.resources,
            message=end.message or end.rejection or opened.rejection,
            permission=end.permission,
            detail=end.detail,
            unseen=_packed(opened.known) if may_tombstone else b"",
            catalogue_version=self._version,
            gone=end.gone,
            not_shown=None if may_tombstone else _packed(opened.known),
            as_of=end.as_of,
            rejected=rejected,
        )
        try:
            answer = self._api.close_scope(closed)
        except ApiError as error:
            raise _failed(error) from error
        if end.outcome is not Outcome.COMPLETE:
            self._warn(opened.scope, end)
        self.totals.deleted += answer.deleted
        self.totals.held_back += answer.held_back
        self.totals.held_links += answer.held_links
        self.totals.held_attributes += answer.held_attributes

    def _warn(self, scope: Scope, end: wire.ScopeEnd) -> None:
        """Logs the first scope of a cause; `_warn_of_causes` logs how many there were in all."""
        cause = self._causes.add(Unread(scope, end.outcome.value, end.message, end.permission))
        if cause.scopes == 1:
            fields = {"outcome": cause.outcome, "permission": cause.permission, "run": self._run}
            _log.warning(f"{self._owner}: not read in full: {cause.sentence()}", **fields)

    def _warn_of_causes(self) -> None:
        for cause in self._causes.all():
            if cause.scopes > 1:
                fields = {"outcome": cause.outcome, "permission": cause.permission, "run": self._run, "scopes": cause.scopes}
                _log.warning(f"{self._owner}: not read in full: {cause.sentence()}", **fields)

    def not_reached(self, scopes: list[Scope]) -> None:
        """Closes scopes that were planned and not begun, so that the ledger names them."""
        self._await()
        self.totals.outcomes[Outcome.NOT_REACHED] = len(scopes)
        for scope in scopes[:MAX_NOT_REACHED]:
            closed = ScopeClosed(self._owner, self._run, scope, Outcome.NOT_REACHED, 0, "planned, and not reached before the sync ended")
            try:
                self._api.close_scope(closed)
            except ApiError as error:
                raise _failed(error) from error

    def flush(self, log: RunLog | None = None) -> None:  # noqa: ARG002 - the API is told of it at the end of the sync
        """Sends the gathered resources."""
        for opened in self._open.values():
            self._send(opened)

    def finish(self, verdict: Verdict, exited: Exited) -> Verdict:  # noqa: ARG002 - part of the Inventory protocol
        """Sends organizations that no resource named; adds a sentence when tombstones were held back."""
        if self._last is not None:
            self._send(self._last)
        self._await()
        self._warn_of_causes()
        sentence = held_back(self.totals, release_command(self._owner))
        if sentence and verdict.status is Status.COMPLETED:
            verdict = msgspec.structs.replace(verdict, error=sentence)
        if verdict.status is not Status.RELEASED and verdict.error_kind != UNREACHABLE:
            self._tell(verdict)
        return verdict

    def _tell(self, verdict: Verdict) -> None:
        """Tells the API how the sync ended. An API that cannot be told does not change how the sync ended: the log says so."""
        totals = self.totals
        identity = msgspec.to_builtins(self._identity) if self._identity else None
        sync = SyncRun(
            owner=self._owner,
            run=self._run,
            status=verdict.status.value,
            error_kind=verdict.error_kind,
            error=verdict.error,
            detail=verdict.detail,
            resources=totals.resources,
            created=totals.created,
            updated=totals.updated,
            deleted=totals.deleted,
            rejected=totals.rejected,
            identity=identity,
            log=verdict.log,
            request=self._request,
        )
        try:
            self._api.put_run(sync)
        except ApiError as error:
            _log.warning(f"{self._owner}: the history of this sync could not be stored: {error}", run=self._run)

    def _send(self, opened: _Open) -> None:
        """Begins to send what is gathered, once the batch before is stored."""
        self._await()
        if not opened.pending and not self._organizations:
            return
        batch = Batch(
            owner=self._owner,
            run=self._run,
            scope=opened.scope,
            organizations=self._organizations,
            resources=opened.hand_over(),
            default_organization_id=self._destination.default_organization_id,
            create_missing_organizations=self._destination.create_missing_organizations,
            catalogue_version=self._version,
        )
        self._organizations, self._sent = [], (opened, batch)
        self._aside.start(lambda: self._stored(batch))

    def _stored(self, batch: Batch) -> Stored:
        began = time.monotonic_ns()
        stored = self._api.store(batch)
        if rows := stored.created + stored.updated:
            self._observer(began, rows)
        return stored

    def _await(self) -> None:
        """Waits for the batch that is on its way, and counts it. What was not stored is gathered still."""
        if self._sent is None:
            return
        (opened, batch), self._sent = self._sent, None
        try:
            stored = self._aside.wait()
        except ApiError as error:
            opened.take_back(batch.resources)
            self._organizations = batch.organizations + self._organizations
            raise _failed(error) from error
        assert stored is not None
        self._count(opened, stored)

    def _count(self, opened: _Open, stored: Stored) -> None:
        self.totals.created += stored.created
        self.totals.updated += stored.updated
        self.totals.unchanged += stored.unchanged
        for rejected in stored.rejected:
            self._reject(opened, f"{rejected.external_id[:200]} is not stored: {rejected.reason}")

    def _reject(self, opened: _Open, reason: str) -> None:
        self.totals.rejected += 1
        opened.reject(reason)


def _packed(known: Fingerprints) -> bytes:
    keys = array(INTEGER, known.unseen())
    if sys.byteorder == "big":
        keys.byteswap()
    return keys.tobytes()


def _failed(error: ApiError) -> InventoryError:
    return InventoryError(str(error), error_kind="config" if error.final else UNREACHABLE)
