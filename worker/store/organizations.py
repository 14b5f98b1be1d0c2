"""Organizations, as the API lists, shows, creates, renames, moves, merges and deletes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, LiteralString

from providers.counted import counted_are
from worker.store import statements
from worker.store.connection import Connection, transaction
from worker.store.errors import NotPossible
from worker.store.query import Order, Query, by_number, one

COLUMNS: LiteralString = "o.id, o.parent_id, o.owner, o.name, o.description, o.external_id, o.created_at, o.updated_at"

SORTINGS: Mapping[str, Order] = {
    "id": by_number("o.id", "id"),
    "name": Order('lower(o.name) collate "C"', 'lower(%s) collate "C"', "name"),
}
"""Orders of the list of organizations, all of which are sorted."""

BELOW: LiteralString = (
    "(with recursive below as (select %s::bigint as id union "
    "select o.id from organizations o join below b on o.parent_id = b.id) select id from below)"
)
"""Subquery of an organization and all below it; it ends even when parents form a cycle."""


LOCK = 0x656C6465724F  # "elderO"
"""Key of the advisory lock under which people change the tree of organizations, one transaction after the other."""


def selection(filters: Mapping[str, Any], sort: str = "id") -> Query:
    """The organizations that fit, each with the number of its own active entities.

    `filters`: parent_id, q, and within, an organization that they are or lie below.
    """
    entities: LiteralString = (
        "(select coalesce(sum(c.entities), 0)::bigint from elder_worker.organization_counts c where c.organization_id = o.id) as entities"
    )
    query = Query(COLUMNS + ", " + entities, "organizations o", SORTINGS, sort, number="o.id")
    query.only("o.id = any(array" + BELOW + ")", filters.get("within"))
    query.only("o.parent_id = %s", filters.get("parent_id"))
    query.only("position(lower(%s) in lower(o.name)) > 0", filters.get("q"))
    return query


def get(connection: Connection, number: int, *, locked: bool = False) -> dict[str, Any] | None:
    """One organization as it is stored, `locked` against changes until the end of the transaction."""
    if locked:
        _lock_tree(connection)
    return one(connection, "select " + COLUMNS + " from organizations o where o.id = %s" + (" for update" if locked else ""), [number])


def names(connection: Connection, ids: Iterable[int]) -> dict[int, str]:
    """The names of organizations by their ids."""
    return dict(connection.execute("select id, name from organizations where id = any(%s)", [list(ids)]).fetchall())


def named(connection: Connection, name: str, within: int | None = None) -> list[int]:
    """Ids of the organizations of that name and of all below them; `within`: those that are that organization or lie below it alone."""
    return [number for (number,) in connection.execute(statements.get("organizations_named"), {"name": name, "within": within})]


def lies_below(connection: Connection, below: int, above: int) -> bool:
    """True if organization `below` is organization `above` or lies below it."""
    row = connection.execute(statements.get("lies_below"), {"below": below, "above": above}).fetchone()
    return bool(row and row[0])


def add(connection: Connection, name: str, parent: int | None, description: str) -> dict[str, Any]:
    """Adds an organization created by a person."""
    with transaction(connection):
        made = one(
            connection,
            "insert into organizations as o (name, parent_id, description) values (%s, %s, %s) returning " + COLUMNS,
            [name, parent, description],
        )
    assert made is not None
    return made


def check_name(connection: Connection, name: str, parent: int | None, besides: int | None = None) -> None:
    """Refuses a name that another organization under the same parent has; holds until the transaction ends. Raises `NotPossible`."""
    _lock_tree(connection)
    found = one(connection, statements.get("namesake"), {"name": name, "parent": parent, "besides": besides})
    if found:
        raise NotPossible(f"organization {found['id']} has the name '{name}' already, at the same place: choose another one")


def change(connection: Connection, found: dict[str, Any], changes: dict[str, Any]) -> None:
    """Renames, moves or describes an organization that is locked. Raises `NotPossible`."""
    number, wanted = found["id"], {**found, **changes}
    if found["owner"] and (wanted["name"], wanted["parent_id"]) != (found["name"], found["parent_id"]):
        raise NotPossible(
            f"organization {number} has its name and place from its source ({found['owner']}): the next reading would undo the change"
        )
    if wanted["parent_id"] is not None and lies_below(connection, wanted["parent_id"], number):
        raise NotPossible(f"organization {wanted['parent_id']} is organization {number} or lies below it: choose another parent")
    check_name(connection, wanted["name"], wanted["parent_id"], number)
    connection.execute(
        "update organizations set name = %s, parent_id = %s, description = %s, updated_at = now() where id = %s",
        [wanted["name"], wanted["parent_id"], wanted["description"], number],
    )


def merge(connection: Connection, found: dict[str, Any], into: int) -> dict[str, Any]:
    """Gives all that belongs to a locked organization to another one, and deletes it; returns how much that is. Raises `NotPossible`."""
    values = {"organization": found["id"], "into": into}
    if lies_below(connection, into, found["id"]):
        raise NotPossible(f"organization {into} is organization {found['id']} or lies below it: merge it the other way round")
    _check_no_run(connection, found["id"])
    both = connection.execute(statements.get("entities_in_both"), values).fetchone()
    if both and both[1]:
        raise NotPossible(
            f"{counted_are(both[1], 'entity')} in both organizations, such as {both[0]}: what is the same twice cannot be merged"
        )
    same = connection.execute(statements.get("organizations_in_both"), values).fetchone()
    if same:
        raise NotPossible(f"both have an organization '{same[0]}' below them: merge those two first, or rename one")
    moved = one(connection, statements.get("move_contents"), values)
    connection.execute("delete from organizations where id = %s", [found["id"]])
    assert moved is not None
    return moved


def delete(connection: Connection, number: int) -> None:
    """Deletes a locked organization that is empty. Raises `NotPossible`."""
    contents = one(connection, statements.get("contents_of_organization"), {"organization": number})
    assert contents is not None
    listed = [f"{count} {_CONTENTS[name][count != 1]}" for name, count in contents.items() if count]
    if listed:
        raise NotPossible(f"organization {number} is not empty, it has {', '.join(listed)}: merge it into another one")
    _check_no_run(connection, number)
    connection.execute("update discovery_jobs set organization_id = null where organization_id = %s and deleted_at is not null", [number])
    connection.execute("delete from organizations where id = %s", [number])


_CONTENTS = {
    "entities": ("entity", "entities"),
    "deleted": ("deleted entity", "deleted entities"),
    "organizations": ("organization below it", "organizations below it"),
    "jobs": ("job", "jobs"),
}
"""Names of what an organization contains: of one, and of several."""


def _lock_tree(connection: Connection) -> None:
    """Waits for whoever changes the tree, so that what is checked (equal names, circles) holds until the end of the transaction.

    Taken before any row is locked. The names that sources give their organizations may be equal to others, and need no lock.
    """
    connection.execute("select pg_advisory_xact_lock(%s)", [LOCK])


def _check_no_run(connection: Connection, number: int) -> None:
    row = connection.execute(statements.get("jobs_running_into"), {"organization": number}).fetchone()
    if row:
        raise NotPossible(f"job {row[0]} is running, and may be storing into organization {number}: wait until it has ended")
