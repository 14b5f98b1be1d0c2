"""The life of scopes: current while a plan contains them, abandoned when none does, then retired by a person or after some days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

import msgspec

from worker.store import audit, scopes, statements
from worker.store.connection import Connection, transaction
from worker.store.query import Order, Query, by_number, by_text, by_time

COLUMNS: LiteralString = (
    "s.id, s.owner, s.provider, s.account, s.region, s.resource_type, s.coverage, s.state, s.state_since, s.last_attempt_at, "
    "s.last_complete_at, s.last_outcome, s.message, s.permission, "
    "(select count(*) from entities e where e.scope_id = s.id and e.is_active) as entities"
)

SORTINGS: Mapping[str, Order] = {
    "id": by_number("s.id", "id"),
    "owner": by_text("s.owner", "owner"),
    "provider": by_text("s.provider", "provider"),
    "account": by_text("s.account", "account"),
    "region": by_text("s.region", "region"),
    "resource_type": by_text("s.resource_type", "resource_type"),
    "last_complete_at": by_time("s.last_complete_at", "last_complete_at"),
    "last_outcome": by_text("s.last_outcome", "last_outcome"),
}
"""Orders of the list of scopes. There are as many as the plans of jobs and connectors have, so all that fit are sorted."""

HANDED_OVER = 2_000
"""Most entities that one batch hands over, so that the deletion of a job of any size returns at once."""


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """A filter of scopes. `owner` is ``job:42`` or ``connector:ldap``; `not_complete_for` is in seconds."""

    state: str | None = None
    provider: str | None = None
    account: str | None = None
    region: str | None = None
    resource_type: str | None = None
    owner: str | None = None
    not_complete_for: float | None = None
    never_complete: bool | None = None


class Retired(msgspec.Struct, frozen=True):
    """The result of retiring scopes."""

    scopes: int
    entities: int


class Losses(msgspec.Struct, frozen=True):
    """The losses by retiring scopes: what would be marked as deleted."""

    scopes: int
    types: dict[str, int]
    """Number of entities that would be marked as deleted, by type."""
    kept: int
    """Number of entities that stay, as a current scope sees them still."""

    @property
    def entities(self) -> int:
        """Number of entities that would be marked as deleted."""
        return sum(self.types.values())


def selection(filters: Filters, sort: str = "last_complete_at") -> Query:
    """The scopes that fit, in an order of `SORTINGS`."""
    return _narrowed(Query(COLUMNS, "elder_worker.scopes s", SORTINGS, sort, number="s.id"), filters)


def _narrowed(query: Query, filters: Filters) -> Query:
    query.only("s.state = %s", filters.state)
    query.only("s.provider = %s", filters.provider)
    query.only("s.account = %s", filters.account)
    query.only("s.region = %s", filters.region)
    query.only("s.resource_type = %s", filters.resource_type)
    query.only("s.owner = %s", filters.owner)
    query.only("coalesce(s.last_complete_at, s.created_at) < now() - make_interval(secs => %s)", filters.not_complete_for)
    query.only("(s.last_complete_at is null) = %s", filters.never_complete)
    return query


def losses(connection: Connection, filters: Filters) -> Losses:
    """The losses if the abandoned scopes that fit were retired now. In a snapshot of the caller."""
    query = _narrowed(
        Query("s.id", "elder_worker.scopes s", SORTINGS, "id", number="s.id"), msgspec.structs.replace(filters, state="abandoned")
    )
    rows = [row["id"] for batch in query.batches(connection, 10_000) for row in batch]
    found = connection.execute(statements.get("losses_by_retiring"), {"scopes": rows}).fetchall()
    return Losses(len(rows), {kind: deleted for kind, deleted, _ in found if deleted}, sum(kept for *_, kept in found))


def retire(connection: Connection, filters: Filters) -> Retired:
    """Retires abandoned scopes: their entities go to the scope that sees them still, else they are tombstoned. No row is deleted."""
    with transaction(connection):
        return _retire(connection, connection.execute(statements.get("lock_abandoned"), msgspec.structs.asdict(filters)).fetchall())


def retire_old(connection: Connection, days: int, limit: int) -> Retired:
    """Retires scopes that were abandoned so many days ago, the longest abandoned first; so many at most. The audit log has a line of it."""
    with transaction(connection):
        found = connection.execute(statements.get("lock_long_abandoned"), {"days": days, "limit": limit}).fetchall()
        retired = _retire(connection, found)
        if found:
            audit.add(connection, audit.Actor("worker"), "scopes retired", f"abandoned_days={days}", after=msgspec.structs.asdict(retired))
    return retired


def _retire(connection: Connection, found: Sequence[tuple[Any, ...]]) -> Retired:
    entities = 0
    for (row,) in found:
        scopes.hand_over(connection, [row])
        gone = connection.execute(statements.get("retire_scope"), {"scope": row}).fetchone()
        entities += int(gone[0]) if gone else 0
    return Retired(len(found), entities)


def abandon_owner(connection: Connection, owner: str) -> None:
    """Abandons all scopes of an owner that is no more, and hands a batch of their entities over. Inside a transaction."""
    connection.execute(statements.get("abandon_owner"), {"owner": owner})
    hand_over(connection, [owner])


def hand_over(connection: Connection, owners: Sequence[str]) -> bool:
    """Gives a batch of the entities of these owners' abandoned scopes to the scopes that see them; returns whether there may be more.

    Inside a transaction.
    """
    rows = connection.execute(statements.get("abandoned_scopes"), {"owners": list(owners)}).fetchall()
    return scopes.hand_over(connection, [row for (row,) in rows], limit=HANDED_OVER) == HANDED_OVER
