"""One read of a plan: batches by scope, a report for each scope, and what the read raised as an outcome."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import msgspec

from providers.errors import CredentialsError, DataError, Outcome, ProviderError, ScopeError
from providers.provider import Item, Read, Source
from providers.records import UNENCODABLE, Absence, AsOf, Gone, Incomplete, Moment, Organization, Placed, Rejected, Resource, Scope
from providers.sink import ScopeReport, Sink

BATCH_BYTES = 1024 * 1024
"""JSON bytes of the resources handed to the sink at once. Resources of a megabyte each are handed over one by one."""


class Claims:
    """Scopes outside all reads, each of which one read opens."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claimed: set[Scope] = set()

    def take(self, scope: Scope) -> bool:
        """True for the first that asks for the scope."""
        with self._lock:
            free = scope not in self._claimed
            self._claimed.add(scope)
            return free


class Reader:
    """One read: batches by scope, and a report for each of them."""

    def __init__(
        self,
        source: Source,
        sink: Sink,
        read: Read,
        batch: int,
        finished: Callable[[ScopeReport], None],
        lane: AbstractContextManager[object],
        claims: Claims,
    ) -> None:
        scopes = read.scopes
        self._source, self._sink, self._read, self._scopes, self._batch = source, sink, read, list(scopes), batch
        self._finished, self._lane, self._claims = finished, lane, claims
        self._pending: dict[Scope, list[Resource]] = {scope: [] for scope in scopes}
        self._bytes = dict.fromkeys(scopes, 0)
        self._counts = dict.fromkeys(scopes, 0)
        self._incomplete: dict[Scope, Incomplete] = {}
        self._gone: dict[Scope, str] = {}
        self._as_of: dict[Scope, Moment] = {}
        self._rejected: dict[Scope, list[str]] = {scope: [] for scope in scopes}
        self._known = (*read.repeated, *read.scopes)
        self._by_type = {scope.resource_type: scope for scope in self._known}

    def run(self) -> None:
        """Reads and reports. Raises what the sink raised, and MemoryError: after it nothing in this process can be relied upon."""
        try:
            with self._lane:
                self._run()
        except _SinkFailed as failed:
            raise failed.cause from None

    def _run(self) -> None:
        for scope in self._scopes:
            self._sink.begin(scope)
        failure: ProviderError | None = None
        detail = ""
        try:
            for item in self._items():
                self._take(item)
        except ProviderError as error:
            failure, detail = error, error.detail
        except (_SinkFailed, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - the edge around vendor SDKs: one scope may not end the others
            failure = self._source.classify(error) or ScopeError(f"unexpected {type(error).__name__}")
            detail = traceback.format_exc()
        if (failure is not None or self._incomplete) and (refused := self._refused()):
            raise refused
        for scope in self._scopes:  # all of it before the first end: what moved from one scope to another is seen there, and not gone
            self._flush(scope)
        for scope in self._scopes:
            self._finished(self._report(scope, failure, detail))

    def _refused(self) -> CredentialsError | None:
        """Why nothing more can be read; what was read to its end before stays complete."""
        credential = self._source.credential
        return credential.refused if credential else None

    def _items(self) -> Iterator[Item]:
        yield from self._read.fetch()

    def _take(self, item: Item) -> None:
        if isinstance(item, Organization):
            organization = item
            self._guard(lambda: self._sink.organizations([organization]))
        elif isinstance(item, Placed):
            self._open(item.scope)
            self._put(item.scope, item.item)
        else:
            self._put(self._scope_of(item.sub_type if isinstance(item, Resource) else item.resource_type), item)

    def _put(self, scope: Scope, item: Resource | Incomplete | Rejected | Gone | AsOf) -> None:
        if scope not in self._pending:
            return  # another read of the run has it
        if isinstance(item, Resource):
            self._add(scope, item)
        elif isinstance(item, Rejected):
            self._rejected[scope].append(item.sentence if not self._rejected[scope] else "")
        elif isinstance(item, Gone):
            self._gone[scope] = item.reason
        elif isinstance(item, AsOf):
            self._as_of[scope] = min(item.moment, self._as_of.get(scope, item.moment))
        else:
            known = self._incomplete.setdefault(scope, item)
            if item.outcome.gravity > known.outcome.gravity:
                self._incomplete[scope] = item

    def _open(self, scope: Scope) -> None:
        """Begins a scope outside the read, unless another read has begun it."""
        if scope in self._pending or scope in self._known or not self._claims.take(scope):
            return
        self._guard(lambda: self._sink.planned((scope,)))
        self._guard(lambda: self._sink.begin(scope))
        self._scopes.append(scope)
        self._pending[scope], self._rejected[scope], self._bytes[scope], self._counts[scope] = [], [], 0, 0

    def _add(self, scope: Scope, resource: Resource) -> None:
        try:
            resource = self._source.shape.storable(resource)
        except DataError as error:
            self._put(scope, Rejected(resource.sub_type, str(resource.external_id), str(error)))
            return
        self._pending[scope].append(resource)
        self._bytes[scope] += json_size(resource)
        self._counts[scope] += 1
        if len(self._pending[scope]) >= self._batch or self._bytes[scope] >= BATCH_BYTES:
            self._flush(scope)

    def _scope_of(self, resource_type: str) -> Scope:
        if len(self._known) == 1:
            return self._known[0]
        try:
            return self._by_type[resource_type]
        except KeyError:
            raise ScopeError(f"a resource of type '{resource_type}' came from a read of {', '.join(self._by_type)}") from None

    def _flush(self, scope: Scope) -> None:
        if self._pending[scope]:
            resources, self._pending[scope], self._bytes[scope] = self._pending[scope], [], 0
            self._guard(lambda: self._sink.resources(scope, resources))

    @staticmethod
    def _guard(call: Callable[[], None]) -> None:
        """A sink that fails ends the run; it must not be mistaken for a source that fails."""
        try:
            call()
        except Exception as error:  # noqa: BLE001 - passed on as it is, by `run`
            raise _SinkFailed(error) from None

    def _report(self, scope: Scope, failure: ProviderError | None, detail: str) -> ScopeReport:
        outcome, message, permission = self._ended(scope, failure)
        sentences = self._rejected[scope]
        rejection = sentences[0] if sentences else ""
        gone = outcome is Outcome.COMPLETE and scope in self._gone and not self._counts[scope] and not sentences
        message = self._gone[scope] if gone else message
        absence = self._absence(scope, gone)
        return ScopeReport(
            scope=scope,
            outcome=outcome,
            resources=self._counts[scope],
            message=message,
            permission=permission,
            detail=detail,
            gone=gone,
            rejected=len(sentences),
            rejection=rejection,
            absence=absence,
            as_of=self._as_of.get(scope),
        )

    def _absence(self, scope: Scope, gone: bool) -> Absence:
        if scope not in self._read.scopes:
            return Absence.OUTSIDE
        return Absence.LAGGING if self._read.lags and not gone else Absence.DELETED

    def _ended(self, scope: Scope, failure: ProviderError | None) -> tuple[Outcome, str, str]:
        if failure is not None:
            return failure.outcome, str(failure), getattr(failure, "permission", "")
        part = self._incomplete.get(scope)
        return (part.outcome, part.message, part.permission) if part else (Outcome.COMPLETE, "", "")


def json_size(resource: Resource) -> int:
    """Bytes of the resource as JSON; 0 for one that is none, which the sink rejects."""
    try:
        return len(msgspec.json.encode(resource))
    except UNENCODABLE:
        return 0


class _SinkFailed(Exception):
    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause
