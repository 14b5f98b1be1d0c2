"""Connectors over HTTP: how each stands, and the history and ledger of its syncs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from api.audit import audited
from api.context import Context
from api.endpoint import Endpoint, NoQuery
from api.errors import NotFound
from api.job_models import Log, Reading, ReadingSummary, RunStatus, ScopeBegun
from api.model import ApiModel, Id, Time, bounds
from worker.store import connectors, run_logs, sync_requests

_NOT_HERE = "no connector '{}' has delivered here yet"


class HistoryLimit(msgspec.Struct, frozen=True, kw_only=True):
    """Query of a history: how many of the newest syncs."""

    limit: Annotated[int, bounds(1, 500)] = 50

    def __post_init__(self) -> None:
        """Bounds, as a `ValueError`."""
        if not 1 <= self.limit <= 500:
            raise ValueError("`limit` is from 1 to 500")


class SyncRequest(ApiModel, frozen=True, kw_only=True):
    """The newest request of a person for a sync at once."""

    number: int
    """Number of the request; it grows with each one of the connector."""
    requested_at: Time
    """Time of the request."""
    requested_by: str
    """Person or key that has asked, as in the audit log."""
    state: Literal["waiting", "taken", "served"]
    """`waiting` for a worker, `taken` by one, which syncs, or `served`: that sync has ended."""
    worker: str | None
    """The worker that has taken up a request and not served it yet; null: none."""
    served: int
    """Number of the newest request whose sync has ended; 0: none."""
    served_at: Time | None
    """When that sync ended."""
    sync_id: int | None
    """Id of that sync in the history; null where its worker could not tell of it."""
    error: str
    """Why that sync failed, where it has no id."""


class Connector(ApiModel, frozen=True, kw_only=True):
    """A connector, its newest sync and its next one."""

    name: str
    status: RunStatus | Literal["never"]
    """How the newest sync stands; `never`: a worker has the connector, and it has not delivered yet."""
    error_kind: str
    error: str | None
    next_sync_at: Time | None
    """When it syncs next by its schedule; null while it syncs, and where no running worker has told that it has the connector."""
    workers: list[str]
    """Running workers that have told that they have it."""
    syncing: list[str]
    """Those of them that sync it at the moment."""
    request: SyncRequest | None
    """The newest request for a sync at once; null: there never was one."""
    waiting_for: str
    """Reason why a request for a sync waits; empty when none waits."""
    started_at: Time | None
    completed_at: Time | None
    last_complete_at: Time | None
    """When a sync last read every scope in full."""
    entities: int
    """Entities that the newest sync found."""
    scopes: int
    incomplete_scopes: int
    """Current scopes whose last reading was not complete."""
    abandoned_scopes: int
    """Scopes that its plan does not contain any more."""


class Connectors(ApiModel, frozen=True, kw_only=True):
    """All connectors that have delivered here, or that a running worker has."""

    connectors: list[Connector]


class Sync(Reading, frozen=True, kw_only=True):
    """One sync of a connector."""

    connector: str
    run: str


class WholeSync(Sync, frozen=True, kw_only=True):
    """One sync of a connector with all of its scopes."""

    reading: list[ScopeBegun]
    """Scopes that are being read, the longest first, at most 100; empty once the sync has ended, and where its worker is older."""


class WholeConnector(Connector, frozen=True, kw_only=True):
    """A connector with the whole ledger of its newest sync."""

    latest: WholeSync | None
    """The newest sync with its whole ledger; null when it has never synced."""


class Syncs(ApiModel, frozen=True, kw_only=True):
    """Syncs of a connector, the oldest first; the newest are always included."""

    connector: str
    total: int
    results: list[Sync]


class SyncSummary(ReadingSummary, frozen=True, kw_only=True):
    """One sync of a connector, without its scopes."""

    connector: str
    run: str


class SyncWanted(ApiModel, frozen=True, kw_only=True):
    """A sync at once is asked for."""

    connector: str
    success: bool
    message: str
    request: SyncRequest
    """The request, or the one that waited already."""
    waiting_for: str
    """Reason why it waits; empty when a worker has taken it up already."""


class SyncQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Query of the log of a sync."""

    sync_id: Id | None = None
    """Id of the sync, as the history has it; without it, the newest one."""


class LoggedSync(Log, frozen=True, kw_only=True):
    """Log of a sync of a connector."""

    connector: str
    sync_id: int
    """Id of the sync."""


def list_connectors(context: Context, query: NoQuery, body: Any) -> dict[str, Any]:
    """All connectors with their newest syncs."""
    with context.pool.reading() as connection:
        return {"connectors": connectors.summaries(connection)}


def show_connector(context: Context, query: NoQuery, body: Any, name: str) -> dict[str, Any]:
    """One connector with the ledger of its newest sync."""
    with context.pool.reading() as connection:
        found = connectors.summary(connection, name)
    if found is None:
        raise NotFound(_NOT_HERE.format(name[:100]))
    return found


def request_sync(context: Context, query: NoQuery, body: Any, name: str) -> dict[str, Any]:
    """Asks for a sync of a connector at once."""
    with audited(context, "sync requested", connectors.PREFIX + name) as line:
        if not connectors.known(line.connection, name):
            raise NotFound(_NOT_HERE.format(name[:100]))
        new = sync_requests.request(line.connection, name, line.actor.name)
        state = sync_requests.states(line.connection, name)[name]
        line.after = {"request": state["request"]["number"]}
    message = "Sync requested" if new else "A sync was requested already: one serves both"
    return {
        "connector": name,
        "success": True,
        "message": message,
        "request": state["request"],
        "waiting_for": state["waiting_for"],
    }


def list_syncs(context: Context, query: HistoryLimit, body: Any, name: str) -> dict[str, Any]:
    """The syncs of a connector, the oldest first."""
    with context.pool.reading() as connection:
        results, total = connectors.history(connection, name, query.limit)
    if not total:
        raise NotFound(_NOT_HERE.format(name[:100]))
    return {"connector": name, "total": total, "results": results}


def show_sync(context: Context, query: NoQuery, body: Any, name: str, sync_id: int) -> dict[str, Any]:
    """One sync of a connector with its whole ledger."""
    with context.pool.reading() as connection:
        found = connectors.sync(connection, name, sync_id)
    if found is None:
        raise NotFound(no_sync(name, sync_id))
    return found


def no_sync(name: str, sync: int) -> str:
    """Sentence for a sync that is not in the history of a connector."""
    return f"connector '{name[:100]}' has no sync {sync}"


def show_sync_log(context: Context, query: SyncQuery, body: Any, name: str) -> dict[str, Any]:
    """Returns what the process of a connector's sync has logged."""
    with context.pool.reading() as connection:
        found = run_logs.get_of_sync(connection, name, query.sync_id)
    if found is None:
        if query.sync_id is None:
            raise NotFound(_NOT_HERE.format(name[:100]))
        raise NotFound(no_sync(name, query.sync_id))
    return found


ENDPOINTS = (
    Endpoint("GET", "/connectors", "All connectors with their newest syncs", list_connectors, answer=Connectors, role="read"),
    Endpoint("GET", "/connectors/{name}", "One connector with its newest ledger", show_connector, answer=WholeConnector, role="read"),
    Endpoint("POST", "/connectors/{name}/sync", "Sync a connector now", request_sync, 202, answer=SyncWanted, role="operate"),
    Endpoint(
        "GET",
        "/connectors/{name}/log",
        "What the process of a sync has logged",
        show_sync_log,
        query=SyncQuery,
        answer=LoggedSync,
        role="read",
    ),
    Endpoint("GET", "/connectors/{name}/history", "The syncs of a connector", list_syncs, query=HistoryLimit, answer=Syncs, role="read"),
    Endpoint("GET", "/connectors/{name}/syncs/{sync_id}", "One sync with all its scopes", show_sync, answer=WholeSync, role="read"),
)
