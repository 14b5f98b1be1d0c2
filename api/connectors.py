"""Connectors over HTTP: how each stands, and the history and ledger of its syncs."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from api.context import Context
from api.endpoint import Endpoint, NoQuery
from api.errors import NotFound
from api.job_models import Reading, RunStatus
from api.model import ApiModel, Time, bounds
from worker.store import connectors


class HistoryLimit(msgspec.Struct, frozen=True, kw_only=True):
    """Query of a history: how many of the newest syncs."""

    limit: Annotated[int, bounds(1, 500)] = 50

    def __post_init__(self) -> None:
        """Bounds, as a `ValueError`."""
        if not 1 <= self.limit <= 500:
            raise ValueError("`limit` is from 1 to 500")


class Connector(ApiModel, frozen=True, kw_only=True):
    """A connector that has delivered here, and its newest sync."""

    name: str
    status: RunStatus
    error_kind: str
    error: str | None
    started_at: Time
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
    """All connectors that have delivered here."""

    connectors: list[Connector]


class Sync(Reading, frozen=True, kw_only=True):
    """One sync of a connector."""

    connector: str
    run: str


class WholeConnector(Connector, frozen=True, kw_only=True):
    """A connector with the whole ledger of its newest sync."""

    latest: Sync
    """The newest sync with its whole ledger."""


class Syncs(ApiModel, frozen=True, kw_only=True):
    """Syncs of a connector, the oldest first; the newest are always included."""

    connector: str
    total: int
    results: list[Sync]


def list_connectors(context: Context, query: NoQuery, body: Any) -> dict[str, Any]:
    """All connectors with their newest syncs."""
    with context.pool.reading() as connection:
        return {"connectors": connectors.summaries(connection)}


def show_connector(context: Context, query: NoQuery, body: Any, name: str) -> dict[str, Any]:
    """One connector with the ledger of its newest sync."""
    with context.pool.reading() as connection:
        found = connectors.summary(connection, name)
    if found is None:
        raise NotFound(f"no connector '{name[:100]}' has delivered here yet")
    return found


def list_syncs(context: Context, query: HistoryLimit, body: Any, name: str) -> dict[str, Any]:
    """The syncs of a connector, the oldest first."""
    with context.pool.reading() as connection:
        results, total = connectors.history(connection, name, query.limit)
    if not total:
        raise NotFound(f"no connector '{name[:100]}' has delivered here yet")
    return {"connector": name, "total": total, "results": results}


ENDPOINTS = (
    Endpoint("GET", "/connectors", "All connectors with their newest syncs", list_connectors, answer=Connectors, role="read"),
    Endpoint("GET", "/connectors/{name}", "One connector with its newest ledger", show_connector, answer=WholeConnector, role="read"),
    Endpoint("GET", "/connectors/{name}/history", "The syncs of a connector", list_syncs, query=HistoryLimit, answer=Syncs, role="read"),
)
