"""The change feed: entities that were created, updated, deleted or restored, and by which run.

Changes of existing entities have a row each. Created entities are derived from the ranges of ids that each COPY took: recording them
costs nothing per entity.
"""

from __future__ import annotations

from typing import Any

from psycopg.rows import dict_row

from worker.store import statements
from worker.store.connection import Connection
from worker.store.entity_list import Place

SHOWN_OF_ENTITY = 100
"""Changes that are shown with an entity."""

_FIELDS = ("id", "operation", "changes", "run_id", "changed_at")


FILTERS = ("entity_id", "run_id", "job_id", "operation", "since", "until", "provider", "sub_type")


def page(
    connection: Connection, number: int, size: int, filters: dict[str, Any], most: int | None = None
) -> tuple[list[dict[str, Any]], int]:
    """A page of changes, the latest first, and how many there are; of each kind, `most` and one more are counted one by one.

    `filters`: those of `FILTERS`, and `field`, an attribute or a tag.
    """
    values = _values(filters) | {"most": None if most is None else most + 1}
    counted = connection.execute(statements.get("count_changes"), values, prepare=False).fetchone()
    return _read(connection, values, size, (number - 1) * size), int(counted[0]) if counted else 0


def behind(connection: Connection, size: int, filters: dict[str, Any], after: Place | None) -> list[dict[str, Any]]:
    """Up to `size` changes behind a place, the latest first; from the latest on for None. `filters` as for `page`. Nothing is counted."""
    return _read(connection, _values(filters), size, after=after)


def _values(filters: dict[str, Any]) -> dict[str, Any]:
    """The filters as parameters of the statements."""
    values = {name: filters.get(name) for name in FILTERS}
    field = filters.get("field")
    values["fields"] = None if field is None else [field, f"attributes.{field}", f"tags.{field}"]
    return values | {"filtered": values["provider"] is not None or values["sub_type"] is not None}


def _read(connection: Connection, values: dict[str, Any], size: int, offset: int = 0, after: Place | None = None) -> list[dict[str, Any]]:
    place = {"place_at": after and after.value, "place_id": after and after.id}
    given = values | place | {"size": size, "offset": offset, "end": offset + size}
    return connection.cursor(row_factory=dict_row).execute(statements.get("page_of_changes"), given, prepare=False).fetchall()


def latest(connection: Connection, entity: int) -> list[dict[str, Any]]:
    """The latest changes of one entity."""
    found, _ = page(connection, 1, SHOWN_OF_ENTITY, {"entity_id": entity})
    return [{name: one[name] for name in _FIELDS} for one in found]
