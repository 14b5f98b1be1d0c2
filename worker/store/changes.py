"""The change feed: entities that were created, updated, deleted or restored, and by which run.

Changes of existing entities have a row each. Created entities are derived from the ranges of ids that each COPY took: recording them
costs nothing per entity.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from typing import Any

from psycopg.rows import dict_row

from worker.store import statements
from worker.store.connection import Connection
from worker.store.query import FIRST, Order, Place, rows

SHOWN_OF_ENTITY = 100
"""Changes that are shown with an entity."""

_FIELDS = ("id", "operation", "changes", "run_id", "changed_at")

FILTERS = ("entity_id", "run_id", "job_id", "operation", "since", "until", "provider", "sub_type")

LATEST = Order("changed_at", "%s::timestamptz", "changed_at", dt.datetime, least_id=-(2**63) + 1)
"""The order of changes. One by which an entity was created has the negative of the entity's id."""

FEW = 2_000
"""Changes of a job up to which they are looked up run by run; of more, the changes of all jobs are looked at until there are enough."""

OPERATIONS = ("created", "updated", "deleted", "restored")

COUNTED_BY_TYPE = 5_000
"""The latest changes of existing entities that are counted by type; each is looked up with its entity."""


def page(
    connection: Connection, number: int, size: int, filters: dict[str, Any], most: int | None = None
) -> tuple[list[dict[str, Any]], int]:
    """A page of changes, the latest first, and how many there are; of each kind, `most` and one more are counted, and all for None.

    `filters`: those of `FILTERS`, and `field`, an attribute or a tag.
    """
    offset = (number - 1) * size
    return _read(connection, filters, size, offset=offset, most=None if most is None else max(most + 1, offset + size))


def behind(connection: Connection, size: int, filters: dict[str, Any], after: Place | None) -> list[dict[str, Any]]:
    """Up to `size` changes behind a place, the latest first; from the latest on for None. `filters` as for `page`."""
    return _read(connection, filters, size, most=size, after=after)[0]


@dataclasses.dataclass(frozen=True)
class Feed:
    """The changes that fit filters, as a list that is read by page, from a place on, or whole."""

    filters: dict[str, Any]
    """Filters as `page` has them."""
    most: int | None = None
    """Changes that are counted, of each kind."""
    order: Order = LATEST

    def page(self, connection: Connection, number: int, size: int) -> tuple[list[dict[str, Any]], int]:
        """A page of changes, the latest first, and how many there are."""
        return page(connection, number, size, self.filters, self.most)

    def behind(self, connection: Connection, size: int, after: Place | None) -> list[dict[str, Any]]:
        """Up to `size` changes behind a place; from the latest on for None."""
        return behind(connection, size, self.filters, after)

    def batches(self, connection: Connection, size: int) -> Iterator[list[dict[str, Any]]]:
        """All changes, FIRST and then `size` at a time, from place to place: in a transaction of the caller."""
        found = behind(connection, FIRST, self.filters, None)
        while found:
            yield found
            found = behind(connection, size, self.filters, Place(found[-1]["changed_at"], found[-1]["id"]))


def _read(
    connection: Connection, filters: dict[str, Any], size: int, offset: int = 0, most: int | None = None, after: Place | None = None
) -> tuple[list[dict[str, Any]], int]:
    place = {"place_at": after and after.value, "place_id": after and after.id}
    of_job = _few_of_job(connection, filters["job_id"]) if filters.get("job_id") is not None else None
    given = _values(filters) | place | {"of_job": of_job, "size": size, "offset": offset, "most": most}
    found = connection.cursor(row_factory=dict_row).execute(statements.get("page_of_changes"), given, prepare=False).fetchall()
    counted = [row.pop("counted") for row in found]
    return [row for row in found if row["id"] is not None], counted[0]


def _values(filters: dict[str, Any]) -> dict[str, Any]:
    """The filters as parameters of the statement."""
    values = {name: filters.get(name) for name in FILTERS}
    field = filters.get("field")
    values["fields"] = None if field is None else [field, f"attributes.{field}", f"tags.{field}"]
    return values | {"filtered": values["provider"] is not None or values["sub_type"] is not None}


def _few_of_job(connection: Connection, job: int) -> list[int] | None:
    """Ids of the changes that runs of a job recorded; None when there are more than FEW."""
    found = connection.execute(statements.get("recorded_of_job"), {"job": job, "most": FEW + 1}).fetchall()
    return [number for (number,) in found] if len(found) <= FEW else None


def latest(connection: Connection, entity: int) -> list[dict[str, Any]]:
    """The latest changes of one entity."""
    found, _ = page(connection, 1, SHOWN_OF_ENTITY, {"entity_id": entity})
    return [{name: one[name] for name in _FIELDS} for one in found]


def by_type(connection: Connection, kinds: list[dict[str, Any]], most: int = COUNTED_BY_TYPE) -> tuple[list[dict[str, Any]], int | None]:
    """Counts of what happened to the entities of each type within a day, by operation; the type with the most first.

    `kinds` are the types as `entities.summary` counts them, whose new entities count as created. Of the other changes the latest `most`
    count. Beside the counts stands how many those were if there may be more, else None.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}

    def add(kind: dict[str, Any], operation: str, count: int) -> None:
        names = {"provider": kind["provider"], "sub_type": kind["sub_type"]}
        one = found.setdefault((kind["provider"], kind["sub_type"]), names | dict.fromkeys(OPERATIONS, 0))
        one[operation] += count

    for kind in kinds:
        if kind["fresh"] > 0:
            add(kind, "created", kind["fresh"])
    others = rows(connection, statements.get("changes_by_type"), {"most": most})
    for other in others:
        add(other, other["operation"], other["changes"])
    ordered = sorted(found.values(), key=lambda one: (-sum(one[name] for name in OPERATIONS), one["sub_type"], one["provider"]))
    counted = sum(other["changes"] for other in others)
    return ordered, counted if counted >= most else None
