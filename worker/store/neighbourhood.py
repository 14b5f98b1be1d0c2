"""The neighbourhood of an entity: two links along the arrows, bounded however many links there are."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from worker.store import statements
from worker.store.connection import Connection
from worker.store.query import rows

SHOWN = 50
"""Links of one hop that are returned: those of the entities with the most links."""

LOOKED_AT, LOOKED_AT_BEHIND = 1000, 50
"""Links of the entity, and of each neighbour, that are looked at; what is beyond is not counted."""


@dataclasses.dataclass(frozen=True)
class Hop:
    """Links one step away from entities, as rows with ``near_id dependency_type far_id far_external_id far_name far_sub_type links``."""

    links: list[dict[str, Any]]
    rest: int
    """Links that were found and are not among `links`."""
    more: bool
    """True when there are links that were not looked at."""


@dataclasses.dataclass(frozen=True)
class Neighbourhood:
    """Two hops in each direction."""

    dependencies: tuple[Hop, Hop]
    dependents: tuple[Hop, Hop]
    types: list[tuple[str, int]]
    """Types of the entity's own links with their numbers, the most first."""


def of(connection: Connection, entity: int, types: Sequence[str] = ()) -> Neighbourhood:
    """The neighbourhood of an entity by links of these types, or of all."""
    counted = rows(connection, statements.get("link_types_of"), {"id": entity, "each": LOOKED_AT})
    return Neighbourhood(
        _hops(connection, statements.get("links_from"), entity, types),
        _hops(connection, statements.get("links_to"), entity, types),
        [(one["dependency_type"], one["links"]) for one in counted],
    )


def _hops(connection: Connection, statement: bytes, entity: int, types: Sequence[str]) -> tuple[Hop, Hop]:
    first = _hop(connection, statement, [entity], types, LOOKED_AT)
    near = sorted({one["far_id"] for one in first.links if one["far_id"] not in (None, entity)})
    return first, _hop(connection, statement, near, types, LOOKED_AT_BEHIND)


def _hop(connection: Connection, statement: bytes, ids: list[int], types: Sequence[str], each: int) -> Hop:
    found = rows(connection, statement, {"ids": ids, "types": list(types) or None, "each": each}) if ids else []
    of_each = [sum(1 for one in found if one["near_id"] == number) for number in ids]
    return Hop(found[:SHOWN], len(found[SHOWN:]), max(of_each, default=0) == each)
