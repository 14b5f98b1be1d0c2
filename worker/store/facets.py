"""Facets of a list of entities: how many of them each provider, type and organization has, without a look at a million of them."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

from worker.store import statements
from worker.store.connection import Connection
from worker.store.entity_list import Selection
from worker.store.query import rows

NAMES = ("provider", "sub_type", "organization_id")

COUNTED = 2_000
"""Entities that are counted one by one: of more, so many are, and the counts are lower bounds."""

_BITS = {0b011: "provider", 0b101: "sub_type", 0b110: "organization_id"}
"""Bits of grouping() by the column that was grouped by."""


@dataclasses.dataclass(frozen=True)
class Value:
    """A value of a facet with its number of entities."""

    value: str
    entities: int
    known: Literal["exact", "at least", "about"]
    """`at least`: of the first COUNTED that were found. `about`: by the statistics that the database keeps of the table."""


Facets = dict[str, list[Value]]
"""The values of each of NAMES, those with the most entities first."""


def of(connection: Connection, chosen: Selection, total: int) -> Facets:
    """The facets of a selection that has `total` entities: exact for up to COUNTED; beyond, estimates of all or lower bounds."""
    if total > COUNTED and not chosen.narrow and (estimated := _estimated(connection, total)):
        return estimated
    sample = chosen.sample(connection)
    known: Literal["exact", "at least"] = "exact" if len(sample) <= COUNTED else "at least"
    found: Facets = {name: [] for name in NAMES}
    for row in rows(connection, statements.get("facet_counts"), [sample[:COUNTED]]):
        found[_BITS[row["facet"]]].append(Value(row["value"], row["entities"], known))
    return found


def _estimated(connection: Connection, total: int) -> Facets | None:
    """The facets of all active entities; None when the table was never analyzed."""
    found: Facets = {name: [] for name in NAMES}
    for row in rows(connection, statements.get("facet_statistics"), []):
        found[row["facet"]].append(Value(row["value"], round(row["share"] * total), "about"))
    return found if found["provider"] else None


def kinds(connection: Connection) -> list[dict[str, Any]]:
    """Each type with its category and provider, for lists to choose from."""
    return rows(connection, statements.get("entity_kinds"), [])
