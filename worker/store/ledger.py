"""Ledgers: the scopes of runs and of syncs, as the API shows them."""

from __future__ import annotations

from typing import Any

import msgspec

from worker.run import causes
from worker.store.connection import Connection
from worker.store.query import rows

SCOPES_SHOWN, SCOPES_OF_HISTORY, SCOPES_AT_LEAST = 100, 1_000, 10
"""Scopes shown of each run or sync in a history, incomplete ones first: fewer where all runs together would have more than the second, no
fewer than the third. A single run shows all, up to `SCOPES_AT_MOST`."""

SCOPES_AT_MOST = 20_000


def shown_of_each(runs: int) -> int:
    """The number of scopes that are shown of each of so many runs or syncs."""
    return max(SCOPES_AT_LEAST, min(SCOPES_SHOWN, SCOPES_OF_HISTORY // max(1, runs)))


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
