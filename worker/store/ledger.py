"""Ledgers: the scopes of runs and of syncs, as the API shows them."""

from __future__ import annotations

from typing import Any, LiteralString

import msgspec

from worker.run import causes
from worker.store.connection import Connection
from worker.store.query import rows

SCOPES_SHOWN, SCOPES_OF_HISTORY, SCOPES_AT_LEAST = 100, 2_000, 10
"""Scopes shown of each run or sync in a history, incomplete ones first: fewer where all runs together would have more than the second, no
fewer than the third. A single run shows all, up to `SCOPES_AT_MOST`."""

SCOPES_AT_MOST = 20_000


RUNS: LiteralString = (
    "select run_id, outcome, count(*) as scopes from elder_worker.run_ledgers where run_id = any(%s) group by 1, 2 order by 1, 2"
)
"""Counts the outcomes of runs."""

SYNCS: LiteralString = "select run_id, outcome, count(*) as scopes from connector_scopes where run_id = any(%s) group by 1, 2 order by 1, 2"
"""Counts the outcomes of syncs."""


def shown_of_each(runs: int) -> int:
    """The number of scopes that are shown of each of so many runs or syncs."""
    return max(SCOPES_AT_LEAST, min(SCOPES_SHOWN, SCOPES_OF_HISTORY // max(1, runs)))


def with_scopes(
    connection: Connection, found: list[dict[str, Any]], outcomes: LiteralString, scopes: bytes, limit: int
) -> list[dict[str, Any]]:
    """Adds ``outcomes`` (how many scopes ended how), ``scopes``, ``causes`` (these scopes by their reasons) and ``grant`` to runs or syncs.

    `outcomes` and `scopes` are the queries of the ledger: `RUNS` or `SYNCS`, and the statement that returns at most `limit` scopes of each.
    """
    numbers = [one["id"] for one in found]
    by_id: dict[int, dict[str, Any]] = {one["id"]: {**one, "outcomes": {}, "scopes": []} for one in found}
    for counted in rows(connection, outcomes, [numbers]):
        by_id[counted["run_id"]]["outcomes"][counted["outcome"]] = counted["scopes"]
    for scope in rows(connection, scopes, {"numbers": numbers, "limit": limit}):
        by_id[scope.pop("run_id")]["scopes"].append(scope)
    for one in by_id.values():
        found_causes = causes.of_lines(one["scopes"])
        one["causes"] = msgspec.to_builtins(found_causes)
        one["grant"] = msgspec.to_builtins(causes.grant(one["scopes"][0]["provider"], found_causes)) if found_causes else None
    return list(by_id.values())
