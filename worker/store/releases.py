"""The records of releases: what each has deleted, kept for a time so that it can be undone.

A release deletes what the guard has held back, on a person's word; `worker.store.tombstones.release` does that, and records it here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, LiteralString, NamedTuple

from worker.run.inventory import Totals, held_back, release_command
from worker.store import statements
from worker.store.connection import Connection, transaction
from worker.store.errors import NotPossible
from worker.store.query import Order, Query, by_number

KEPT = 30
"""Days for which a release can be undone."""

COLUMNS: LiteralString = "id, owner, run_id, released_at, released_by, entities, links, attributes, undone_at, undone_by"

SORTINGS: Mapping[str, Order] = {name: by_number(name, name) for name in ("id", "entities", "links", "attributes")}
"""Orders of the list of releases, which are those of `KEPT` days."""


class Restored(NamedTuple):
    """The numbers of entities, links and attributes that came back; `owner` and `run` are those of the release."""

    entities: int
    links: int
    attributes: int
    owner: str
    run: int | None


def begin(connection: Connection, run: int | None, owner: str | None, by: str) -> int:
    """Adds a release and returns its id; releases that are too old to be undone are forgotten. Inside a transaction."""
    connection.execute(statements.get("forget_releases"), {"days": KEPT})
    row = connection.execute(statements.get("begin_release"), {"run": run, "owner": owner, "by": by}).fetchone()
    assert row is not None
    return int(row[0])


def end(connection: Connection, release: int, *, entities: int, links: int, attributes: int) -> None:
    """Stores how much a release has deleted; one that has deleted nothing is not a release. Inside a transaction."""
    if entities or links or attributes:
        values = {"release": release, "entities": entities, "links": links, "attributes": attributes}
        connection.execute(statements.get("count_release"), values)
    else:
        connection.execute("delete from elder_worker.releases where id = %s", [release])


def tell(connection: Connection, run: int | None, owner: str | None, sentence: str) -> None:
    """Replaces the sentence of a run, or of a connector's newest sync, that ended well: it says what is held back. Inside a transaction."""
    statement = statements.get("tell_sync") if run is None else statements.get("tell_run")
    connection.execute(statement, {"run": run, "owner": owner, "sentence": sentence})


def selection(*, run: int | None = None, owner: str | None = None, sort: str = "-id") -> Query:
    """The releases that can be undone, and those that were, in an order of `SORTINGS`."""
    query = Query(COLUMNS, "elder_worker.releases", SORTINGS, sort)
    query.only("run_id = %s", run)
    query.only("owner = %s", owner)
    return query


def undo(connection: Connection, release: int, by: str) -> Restored | None:
    """Restores what a release has deleted and nothing has changed since; it is held back again. Raises `NotPossible` and `StoreError`.

    Entities come back with their ids and their history. Returns None when there is no such release.
    """
    with transaction(connection):
        found = connection.execute(statements.get("lock_release"), {"release": release}).fetchone()
        if found is None:
            return None
        owner, run, undone_at = found
        if undone_at is not None:
            raise NotPossible(f"release {release} was undone already, {undone_at:%Y-%m-%d %H:%M} UTC")
        _lock_idle_job(connection, run)
        return _restore(connection, release, owner, run, by)


def _lock_idle_job(connection: Connection, run: int | None) -> None:
    """Keeps the job of a run from being claimed until the end of the transaction. Raises `NotPossible` while it runs."""
    row = connection.execute(statements.get("lock_job_of"), {"run": run}).fetchone()
    if row is not None and row[0]:
        raise NotPossible(f"the job of run {run} is running, and may be reading what would be restored: wait until it has ended")


def _restore(connection: Connection, release: int, owner: str, run: int | None, by: str) -> Restored:
    values = {"release": release, "run": run, "by": by}
    entities, links, attributes = (_count(connection, f"restore_{kind}", values) for kind in ("entities", "links", "attributes"))
    connection.execute(statements.get("unsettle_ledger"), values)
    connection.execute("update discovery_history set entities_deleted = greatest(entities_deleted - %s, 0) where id = %s", [entities, run])
    restored = Totals(held_back=entities, held_links=links, held_attributes=attributes)
    tell(connection, run, owner, held_back(restored, release_command(owner if run is None else run)))
    scopes = [scope for (scope,) in connection.execute(statements.get("scopes_of_release"), values)]
    connection.execute(statements.get("count_scopes"), {"scopes": scopes})
    connection.execute(statements.get("mark_undone"), values)
    return Restored(entities, links, attributes, owner, run)


def _count(connection: Connection, statement: str, values: dict[str, Any]) -> int:
    row = connection.execute(statements.get(statement), values).fetchone()
    return int(row[0]) if row else 0
