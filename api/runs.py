"""Lists of runs and syncs over HTTP, and the lines of their ledgers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from flask import Response

from api import job_models, times
from api.connectors import SyncSummary
from api.context import Context
from api.errors import NotFound
from api.job_models import RunStatus, ScopeOutcome
from api.listing import Listing, ListQuery, listed, sortable
from api.model import Id
from worker.store import connectors, history, ledger
from worker.store.connection import Connection
from worker.store.query import Query

RUNS = Listing("runs", job_models.RunSummary, "Runs", "Runs of jobs in an order.")
SYNCS = Listing("syncs", SyncSummary, "ListOfSyncs", "Syncs of a connector in an order.")
LEDGER = Listing("scopes", job_models.LedgerLine, "Ledger", "Lines of the ledger of a run or a sync in an order.")


class RunFilters(ListQuery, frozen=True, kw_only=True):
    """Query of the list of runs: `since` and `until` are moments or durations before now (``24h``), of the start of a run.

    Up to 20,000 are counted; `total` and `pages` are null when there are more.
    """

    sortings = history.SORTINGS

    job_id: Id | None = None
    provider: str | None = None
    status: RunStatus | None = None
    error_kind: str | None = None
    since: str | None = None
    until: str | None = None
    sort: Annotated[str, sortable(history.SORTINGS)] = "-id"

    def __post_init__(self) -> None:
        """Bounds, as a `ValueError`."""
        super().__post_init__()
        self.selection()

    def selection(self) -> Query:
        """The runs that the query asks for. Raises `ValueError`."""
        given = msgspec.structs.asdict(self)
        given |= {name: times.moment(name, given[name]) if given[name] else None for name in ("since", "until")}
        return history.selection(given, self.sort)


class SyncFilters(ListQuery, frozen=True, kw_only=True):
    """Query of the list of a connector's syncs."""

    sortings = connectors.SORTINGS

    status: RunStatus | None = None
    sort: Annotated[str, sortable(connectors.SORTINGS)] = "-id"


class LedgerFilters(ListQuery, frozen=True, kw_only=True):
    """Query of the lines of a ledger."""

    sortings = ledger.SORTINGS

    outcome: ScopeOutcome | None = None
    account: str | None = None
    region: str | None = None
    resource_type: str | None = None
    sort: Annotated[str, sortable(ledger.SORTINGS)] = "id"


def list_all_runs(context: Context, query: RunFilters, body: Any) -> dict[str, Any] | Response:
    """Runs of all jobs, or of one."""
    context.refresh()
    return listed(context, RUNS, query, lambda _connection, _fields: query.selection())


def list_ledger(context: Context, query: LedgerFilters, body: Any, run_id: int) -> dict[str, Any] | Response:
    """The lines of a run's ledger, a line a scope."""

    def select(connection: Connection, _fields: Sequence[str]) -> Query:
        if not history.known(connection, run_id):
            raise NotFound(f"there is no run {run_id}")
        return ledger.of_run(run_id, msgspec.structs.asdict(query), query.sort)

    context.refresh()
    return listed(context, LEDGER, query, select)


def list_all_syncs(context: Context, query: SyncFilters, body: Any, name: str) -> dict[str, Any] | Response:
    """Syncs of a connector."""

    def select(connection: Connection, _fields: Sequence[str]) -> Query:
        if not connectors.known(connection, name):
            raise NotFound(f"no connector '{name[:100]}' has delivered here yet")
        return connectors.selection(name, query.status, query.sort)

    return listed(context, SYNCS, query, select)


def list_ledger_of_sync(context: Context, query: LedgerFilters, body: Any, name: str, sync_id: int) -> dict[str, Any] | Response:
    """The lines of the ledger of a connector's sync, a line a scope."""

    def select(connection: Connection, _fields: Sequence[str]) -> Query:
        if not connectors.has_sync(connection, name, sync_id):
            raise NotFound(f"connector '{name[:100]}' has no sync {sync_id}")
        return ledger.of_sync(sync_id, msgspec.structs.asdict(query), query.sort)

    return listed(context, LEDGER, query, select)


_SYNCS = "/connectors/{name}/syncs"
ENDPOINTS = (
    RUNS.endpoint("/runs", "Runs of all jobs, the newest first", list_all_runs, RunFilters, "read"),
    LEDGER.endpoint("/runs/{run_id}/scopes", "The ledger of a run, a line a scope", list_ledger, LedgerFilters, "read"),
    SYNCS.endpoint(_SYNCS, "Syncs of a connector, the newest first", list_all_syncs, SyncFilters, "read"),
    LEDGER.endpoint(f"{_SYNCS}/{{sync_id}}/scopes", "The ledger of a sync, a line a scope", list_ledger_of_sync, LedgerFilters, "read"),
)
