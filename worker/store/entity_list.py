"""Lists of entities: which ones, in which order, from which place on. What people type is always a parameter."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, LiteralString

from worker.store import search_blocks, statements
from worker.store.connection import Connection
from worker.store.organizations import BELOW
from worker.store.query import FIRST, Order, Place, by_number, lies_behind, rows, sorted_by, streamed
from worker.store.search import Condition
from worker.store.signature import Needle

FIELDS: tuple[LiteralString, ...] = (
    "id",
    "organization_id",
    "external_id",
    "entity_type",
    "sub_type",
    "name",
    "provider",
    "account",
    "region",
    "attributes",
    "tags",
    "parent_id",
    "is_active",
    "first_seen_at",
    "changed_at",
    "deleted_at",
    "unconfirmed_since",
)
"""Columns of an entity, in the order in which they are shown."""

FEW = 10_000
"""So many entities are sorted at once; more are read in the order of an index."""


WALK, LONG_WALK = 5_000, 50_000
"""Entities of an index that are looked at before all that fit are looked for: at first, and at most when those found promise a page."""

KINDS = ("entity_type", "sub_type", "provider")
"""Columns of which the database keeps how many active entities have each value."""


SORTINGS = {
    "id": by_number("id", "id"),
    "name": Order('lower(name) collate "C"', 'lower(%s) collate "C"', "name"),
    "type": Order("sub_type", "%s", "sub_type"),
    "first_seen": by_number("id", "id"),
    "changed": Order("changed_at", "%s::timestamptz", "changed_at", dt.datetime),
}
"""The ways to sort, by name. Entities are numbered as they are first seen, so an index of its own for that would be the same again."""


@dataclasses.dataclass
class Selection:
    """The entities that meet all conditions, in one order."""

    where: list[LiteralString] = dataclasses.field(default_factory=list)
    values: list[Any] = dataclasses.field(default_factory=list)
    order: Order = SORTINGS["id"]
    descending: bool = False
    narrow: bool = False
    """True when something besides `is_active` selects, so that the entities may be few."""
    needles: list[Needle] = dataclasses.field(default_factory=list)
    """Bits that the signature of a block must have."""
    columns: Sequence[LiteralString] = FIELDS
    """Columns that the rows of a list have."""
    most: int | None = None
    kinds: dict[str, str] | None = dataclasses.field(default=None, init=False)
    """The filters of active entities that are selected by nothing but columns of `KINDS`, whose numbers are kept; None for all others."""
    _sample: list[int] | None = dataclasses.field(default=None, init=False, repr=False)
    """Ids that `sample` has found, kept for the next call."""

    def only(self, sql: LiteralString, values: Sequence[Any]) -> None:
        """Adds a condition that the entities must meet as well."""
        self.kinds = None
        self.where.append(sql)
        self.values += values

    def found(self, connection: Connection) -> list[int] | None:
        """Ids of the entities in no order; None when there are more than FEW."""
        ids = self.sample(connection) if self.narrow else None
        return ids if ids is not None and len(ids) <= FEW else None

    def sample(self, connection: Connection) -> list[int]:
        """Ids of the entities in no order: of all, or of FEW and one when there are more. They are looked for once."""
        if self._sample is not None:
            return self._sample
        blocks = search_blocks.candidates(connection, self.needles)
        source: LiteralString = "entities" if blocks is None else search_blocks.OF_BLOCKS
        probe: LiteralString = "with found as materialized (select id from " + source + self._where() + " limit %s) select id from found"
        within = [] if blocks is None else [blocks]
        self._sample = [number for (number,) in connection.execute(probe, [*within, *self.values, FEW + 1])]
        return self._sample

    def nearby(
        self, connection: Connection, columns: Sequence[LiteralString], size: int, after: Place | None
    ) -> list[dict[str, Any]] | None:
        """The entities behind a place, when so many are found among the next of the order's index; else None.

        What many entities have is found so at once, and costs no look at all that have it. When the first steps find a part of a page,
        twice as many as a whole page takes at that rate are looked at.
        """
        steps = max(WALK, 20 * size)
        found = self._walked(connection, columns, size, after, steps)
        if found and len(found) < size and (further := 2 * steps * size // len(found)) <= LONG_WALK:
            found = self._walked(connection, columns, size, after, further)
        return found if len(found) == size else None

    def _walked(
        self, connection: Connection, columns: Sequence[LiteralString], size: int, after: Place | None, steps: int
    ) -> list[dict[str, Any]]:
        """Up to `size` entities among the next `steps` of the order's index."""
        everything = dataclasses.replace(self, where=[], values=[])
        walked, values = everything.statement(("*",), after)
        conditions: LiteralString = self._where() + sorted_by(self.order, self.descending) + " limit %s"
        statement: LiteralString = "select " + ", ".join(columns) + " from (" + walked + " limit %s) as entities" + conditions
        return rows(connection, statement, [*values, steps, *self.values, size])

    def count(self, connection: Connection) -> int:
        """The number of entities."""
        if self.kinds is None:
            counted = connection.execute("select count(*) from entities" + self._where(), self.values).fetchone()
        else:
            counted = connection.execute(statements.get("count_of_kinds"), dict.fromkeys(KINDS) | self.kinds).fetchone()
        assert counted is not None
        return int(counted[0])

    def of(self, ids: list[int]) -> Selection:
        """The selection of these entities in the same order."""
        return dataclasses.replace(self, where=["id = any(%s)"], values=[ids])

    def read(
        self, connection: Connection, columns: Sequence[LiteralString], size: int, after: Place | None = None, offset: int = 0
    ) -> list[dict[str, Any]]:
        """Up to `size` entities behind a place, or from an offset on."""
        statement, values = self.statement(columns, after)
        return rows(connection, statement + " limit %s offset %s", [*values, size, offset])

    def statement(self, columns: Sequence[LiteralString], after: Place | None = None) -> tuple[LiteralString, list[Any]]:
        """The select of all entities behind a place, and its parameters."""
        where, values = list(self.where), list(self.values)
        if after:
            where.append(lies_behind(self.order, self.descending))
            values += [after.value, after.id]
        conditions: LiteralString = " where " + " and ".join(where) if where else ""
        return "select " + ", ".join(columns) + " from entities" + conditions + sorted_by(self.order, self.descending), values

    def page(self, connection: Connection, number: int, size: int) -> tuple[list[dict[str, Any]], int]:
        """A page by its number, and how many entities there are."""
        ids = self.found(connection)
        total = self.count(connection) if ids is None else len(ids)
        return (self if ids is None else self.of(ids)).read(connection, self.columns, size, offset=(number - 1) * size), total

    def behind(self, connection: Connection, size: int, after: Place | None) -> list[dict[str, Any]]:
        """Up to `size` entities behind a place; from the beginning on for None."""
        if self.narrow and (found := self.nearby(connection, self.columns, size, after)):
            return found
        ids = self.found(connection)
        return (self if ids is None else self.of(ids)).read(connection, self.columns, size, after)

    def batches(self, connection: Connection, size: int) -> Iterator[list[dict[str, Any]]]:
        """All entities, FIRST and then `size` at a time, read by a cursor of the server: in a transaction of the caller."""
        ids = None if self.narrow and self.nearby(connection, ("id",), FIRST, None) else self.found(connection)
        statement, values = (self if ids is None else self.of(ids)).statement(self.columns)
        yield from streamed(connection, statement, values, size)

    def _where(self) -> LiteralString:
        return " where " + " and ".join(self.where) if self.where else ""


_EQUAL: dict[str, LiteralString] = {
    "entity_type": "entity_type = %s",
    "sub_type": "sub_type = %s",
    "provider": "provider = %s",
    "region": "region = %s",
    "external_id": "external_id = %s",
}


def selection(
    filters: Mapping[str, Any], search: Sequence[Condition] = (), sort: str = "id", columns: Sequence[LiteralString] = FIELDS
) -> Selection:
    """The selection of filters and a search.

    `filters`: organization_id and within (each with what is below it), is_active, and the keys of `_EQUAL`.

    `sort` is a key of SORTINGS, with ``-`` before it for the other direction.
    """
    made = Selection(order=SORTINGS[sort.removeprefix("-")], descending=sort.startswith("-"), columns=columns)
    if filters.get("organization_id") is not None:
        made.only("organization_id = any(array" + BELOW + ")", [filters["organization_id"]])
    elif filters.get("external_id") is not None:  # the index starts with this column: one lookup per organization
        made.only("organization_id = any(array(select id from organizations))", [])
    if filters.get("within") is not None:
        made.only("organization_id = any(array" + BELOW + ")", [filters["within"]])
        if filters.get("organization_id") is not None:  # one above has nothing, as one beside it, and so nobody learns which are above
            made.only("%s = any(array" + BELOW + ")", [filters["organization_id"], filters["within"]])
    for name, condition in _EQUAL.items():
        if filters.get(name) is not None:
            made.only(condition, [filters[name]])
    for one in search:
        made.only(one.sql, one.values)
        made.needles += [one.needle] if one.needle else []
    made.narrow = bool(made.where) or not filters.get("is_active", True)
    kinds = {name: filters[name] for name in KINDS if filters.get(name) is not None}
    counted = bool(filters.get("is_active")) and len(made.where) == len(kinds)
    if filters.get("is_active") is not None:
        made.only("is_active = %s", [filters["is_active"]])
    made.kinds = kinds if counted else None
    return made


def known(names: Iterable[str]) -> tuple[LiteralString, ...]:
    """The columns of these names, in the order of FIELDS."""
    wanted = set(names)
    return tuple(field for field in FIELDS if field in wanted)
