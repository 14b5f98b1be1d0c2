"""Webhooks and their deliveries. Triggers (migration 0036) store the deliveries when a run ends; here they are claimed and ended."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal, LiteralString, NamedTuple

from psycopg.types.json import Jsonb

from worker.store import statements
from worker.store.connection import Connection, transaction
from worker.store.errors import Conflict
from worker.store.organizations import BELOW
from worker.store.query import Order, Query, by_number, by_text, by_time, one

OUTCOMES = ("delivered", "retried", "given_up")
"""Outcomes of an attempt, as they are counted."""

State = Literal["pending", "delivered", "given_up"]
"""States of a delivery: it is due or will be tried again, it was delivered, or no further attempt is made."""

_IN_STATE: Mapping[str, LiteralString] = {
    "pending": "next_attempt_at is not null",
    "delivered": "delivered_at is not null and next_attempt_at is null",
    "given_up": "failed_at is not null and next_attempt_at is null",
}

LEASE = 60.0
"""Seconds after which a delivery whose process has died is due again: longer than an attempt can take."""

COLUMNS: LiteralString = (
    "id, event_id::text as event_id, event, payload, created_at, attempts, last_attempt_at, next_attempt_at, delivered_at, failed_at, "
    "status, answer, error"
)

DELIVERY_SORTINGS: Mapping[str, Order] = {"id": by_number("id", "id")}
"""Orders of a webhook's deliveries, which an index has."""

WEBHOOK_COLUMNS: LiteralString = (
    "w.id, w.name, w.url, w.events, w.job_id, w.enabled, w.disabled_reason, w.created_by, w.created_at, w.updated_at, w.last_attempt_at, "
    "w.last_delivered_at, w.last_failed_at, w.last_error, case when w.previous_until > now() then w.previous_until end as previous_until, "
    "(select count(*) from elder_worker.webhook_deliveries d where d.webhook_id = w.id and d.next_attempt_at is not null) as pending, "
    "(select count(*) from elder_worker.webhook_deliveries d where d.webhook_id = w.id and d.failed_at is not null) as failed"
)
"""Columns of a webhook, with how many deliveries are under way and how many were given up."""

SORTINGS: Mapping[str, Order] = {
    "id": by_number("w.id", "id"),
    "name": by_text("w.name", "name"),
    "last_attempt_at": by_time("w.last_attempt_at", "last_attempt_at"),
}
"""Orders of the list of webhooks, which are as many as people have made."""


class Claimed(NamedTuple):
    """A delivery that this process has claimed, and the webhook that it goes to."""

    id: int
    event_id: str
    event: str
    payload: dict[str, Any]
    attempts: int
    """Attempts, this one included."""
    claimed_at: dt.datetime
    """Time of this claim by the database's clock: another claim of the delivery has another."""
    webhook_id: int
    name: str
    url: str
    secrets: dict[str, Any]
    """The sealed secrets that it is signed with: ``current``, and ``previous`` for a while after a rotation."""


class Ended(NamedTuple):
    """The end of an attempt."""

    delivered: bool
    wait: float | None = None
    """Seconds until the next attempt; None: there is none."""
    status: int | None = None
    answer: str = ""
    error: str = ""
    reason: str = ""
    """Reason for which the webhook is disabled; empty: it is not."""


def selection(organization: int | None = None, sort: str = "-id") -> Query:
    """The webhooks without their secrets, in an order of `SORTINGS`; with `organization`, those that are told of it or of one below it."""
    query = Query(WEBHOOK_COLUMNS, "elder_worker.webhooks w", SORTINGS, sort, number="w.id")
    query.only("(w.job_id is null or w.job_id in (select id from discovery_jobs where organization_id in " + BELOW + "))", organization)
    return query


def get(connection: Connection, number: int) -> dict[str, Any] | None:
    """One webhook without its secrets."""
    return one(connection, "select " + WEBHOOK_COLUMNS + " from elder_worker.webhooks w where w.id = %s", [number])


def add(connection: Connection, values: dict[str, Any], secret: dict[str, str], by: str) -> int:
    """Adds a webhook with its sealed secret; returns its id. Raises `Conflict` for a name that is taken."""
    row = _named(connection, statements.get("add_webhook"), {**values, "secrets": Jsonb({"current": secret}), "by": by})
    assert row is not None
    return int(row[0])


def change(connection: Connection, number: int, values: dict[str, Any]) -> bool:
    """Changes a webhook; returns false when there is none. Raises `Conflict` for a name that is taken."""
    return _named(connection, statements.get("change_webhook"), {**values, "id": number}) is not None


def delete(connection: Connection, number: int) -> None:
    """Deletes a webhook with its deliveries."""
    connection.execute("delete from elder_worker.webhooks where id = %s", [number])


def rotate(connection: Connection, number: int, secret: dict[str, str], grace: float) -> bool:
    """Gives a webhook a new sealed secret; returns false when there is none. The old one signs as well for `grace` seconds more."""
    values = {"id": number, "secret": Jsonb(secret), "grace": grace}
    return connection.execute(statements.get("rotate_webhook"), values).fetchone() is not None


def deliveries(webhook: int, state: State | None = None, event: str | None = None, sort: str = "-id") -> Query:
    """The deliveries of a webhook in an order of `DELIVERY_SORTINGS`; those in one state, or of one event."""
    query = Query(COLUMNS, "elder_worker.webhook_deliveries", DELIVERY_SORTINGS, sort)
    query.only("webhook_id = %s", webhook)
    query.only("event = %s", event)
    if state is not None:
        query.where.append(_IN_STATE[state])
    return query


def delivery(connection: Connection, webhook: int, number: int) -> dict[str, Any] | None:
    """One delivery of a webhook."""
    query = "select " + COLUMNS + " from elder_worker.webhook_deliveries where webhook_id = %s and id = %s"
    return one(connection, query, [webhook, number])


def add_delivery(connection: Connection, webhook: int, event: str, payload: dict[str, Any]) -> int:
    """Adds a delivery to one webhook, due now; returns its id."""
    values = {"webhook": webhook, "event": event, "payload": Jsonb(payload)}
    row = connection.execute(statements.get("add_delivery"), values).fetchone()
    assert row is not None
    return int(row[0])


def retry(connection: Connection, webhook: int, number: int) -> bool:
    """Makes a delivery due now, whatever became of it; returns false when there is none."""
    return connection.execute(statements.get("retry_delivery"), {"webhook": webhook, "id": number}).fetchone() is not None


def claim(connection: Connection) -> Claimed | None:
    """Claims a delivery that is due, for `LEASE` seconds; None when there is none. Raises `StoreError`."""
    with transaction(connection):
        row = connection.execute(statements.get("claim_delivery"), {"lease": LEASE}).fetchone()
    return Claimed(*row) if row else None


def end(connection: Connection, claimed: Claimed, ended: Ended) -> None:
    """Stores how an attempt ended, unless another process has claimed the delivery since. Raises `StoreError`."""
    with transaction(connection):
        claim = {"id": claimed.id, "webhook": claimed.webhook_id, "claimed_at": claimed.claimed_at}
        connection.execute(statements.get("end_attempt"), ended._asdict() | claim)


def _named(connection: Connection, query: bytes, values: dict[str, Any]) -> tuple[Any, ...] | None:
    try:
        with transaction(connection):
            return connection.execute(query, values).fetchone()
    except Conflict:
        raise Conflict(f"a webhook named '{values['name']}' is there: choose another name") from None
