"""Ledgers: the scopes of runs and of syncs, as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, LiteralString

import msgspec

from worker.run import causes
from worker.store.connection import Connection
from worker.store.query import Order, Query, by_number, by_text, rows

SCOPES_SHOWN, SCOPES_OF_HISTORY, SCOPES_AT_LEAST = 100, 1_000, 10
"""Scopes shown of each run or sync in a history, incomplete ones first: fewer where all runs together would have more than the second, no
fewer than the third. A single run shows all, up to `SCOPES_AT_MOST`."""

SCOPES_AT_MOST = 20_000

READING_AT_MOST = 100
"""Scopes being read that are shown of one run or sync: more than any provider reads at once."""

COLUMNS: LiteralString = (
    "scope_id as id, provider, account, region, resource_type, coverage, outcome, resources, deleted, held_back, held_links, "
    "held_attributes, message, permission, as_of"
)

SORTINGS: Mapping[str, Order] = {
    "id": by_number("scope_id", "id"),
    **{name: by_text(name, name) for name in ("account", "region", "resource_type", "outcome")},
    **{name: by_number(name, name) for name in ("resources", "deleted", "held_back")},
}
"""Orders of a ledger, all lines of which are sorted: they are as many as its run or sync has planned."""


def of_run(run: int, filters: Mapping[str, Any], sort: str = "id") -> Query:
    """The lines of a run's ledger that fit, in an order of `SORTINGS`. `filters`: outcome, account, region, resource_type."""
    return _lines("elder_worker.run_ledgers", run, filters, sort)


def of_sync(sync: int, filters: Mapping[str, Any], sort: str = "id") -> Query:
    """The lines of a sync's ledger that fit, as those of a run."""
    return _lines("connector_scopes", sync, filters, sort)


def _lines(source: LiteralString, number: int, filters: Mapping[str, Any], sort: str) -> Query:
    query = Query(COLUMNS, source, SORTINGS, sort, number="scope_id")
    query.only("run_id = %s", number)
    query.only("outcome = %s", filters.get("outcome"))
    query.only("account = %s", filters.get("account"))
    query.only("region = %s", filters.get("region"))
    query.only("resource_type = %s", filters.get("resource_type"))
    return query


def shown_of_each(runs: int) -> int:
    """The number of scopes that are shown of each of so many runs or syncs."""
    return max(SCOPES_AT_LEAST, min(SCOPES_SHOWN, SCOPES_OF_HISTORY // max(1, runs)))


def being_read(connection: Connection, run: Mapping[str, Any], owner: str, statement: bytes) -> list[dict[str, Any]]:
    """The scopes that a run or a sync has begun and not ended, the longest read first; at most `READING_AT_MOST`."""
    if run["status"] != "running":
        return []
    return rows(connection, statement, {"run": run["id"], "owner": owner, "limit": READING_AT_MOST})


def with_scopes(connection: Connection, found: list[dict[str, Any]], lines: bytes, limit: int) -> list[dict[str, Any]]:
    """Adds ``outcomes`` (how many scopes ended how), ``scopes``, ``causes`` (these scopes by their reasons) and ``grant`` to runs or syncs.

    `lines` is the statement that returns at most `limit` lines of each ledger, and one of each outcome.
    """
    by_id: dict[int, dict[str, Any]] = {one["id"]: {**one, "outcomes": {}, "scopes": []} for one in found}
    for line in rows(connection, lines, {"numbers": list(by_id), "limit": limit}):
        one, place, of_outcome, alike = by_id[line.pop("run_id")], line.pop("place"), line.pop("of_outcome"), line.pop("alike")
        if of_outcome == 1:
            one["outcomes"][line["outcome"]] = alike
        if place <= limit:
            one["scopes"].append(line)
    return [{**one, **_causes(one["scopes"])} for one in by_id.values()]


def _causes(scopes: list[dict[str, Any]]) -> dict[str, Any]:
    found = causes.of_lines(scopes)
    return {
        "causes": msgspec.to_builtins(found),
        "grant": msgspec.to_builtins(causes.grant(scopes[0]["provider"], found)) if found else None,
    }
