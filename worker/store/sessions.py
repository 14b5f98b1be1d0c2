"""Sessions of people whom an identity provider has signed in. A cookie holds 256 random bits, and the database their hash."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any, LiteralString, NamedTuple

import msgspec

from worker.store import statements
from worker.store.connection import Connection, guarded
from worker.store.keys import Role
from worker.store.query import Order, Query, by_number, by_text, by_time, rows

COLUMNS: LiteralString = "id, issuer, subject, name, role, created_at, seen_at"

SORTINGS: Mapping[str, Order] = {"id": by_number("id", "id"), "name": by_text("name", "name"), "seen_at": by_time("seen_at", "seen_at")}
"""Orders of the list of sessions, which are as many as people use."""


class Person(msgspec.Struct, frozen=True):
    """A person as the identity provider knows them. `subject` is unique at the issuer and never changes; `name` is for people."""

    issuer: str
    subject: str
    name: str
    role: Role

    @property
    def actor(self) -> str:
        """The person in the audit log."""
        return f"oidc:{self.name} ({self.subject} at {self.issuer})"


class Limits(NamedTuple):
    """Seconds that a session lasts: `idle` without being used, `lifetime` altogether."""

    idle: float
    lifetime: float


class Session(NamedTuple):
    """A session in use. `unmarked`: its last use is not stored for this minute yet."""

    id: int
    person: Person
    unmarked: bool


def find(connection: Connection, cookie: str, issuer: str, limits: Limits) -> Session | None:
    """The session of a cookie; None for one that was never made, has ended, or is of another issuer."""
    values = {"hash": _hash(cookie), "issuer": issuer, "idle": limits.idle, "lifetime": limits.lifetime}
    row = connection.execute(statements.get("find_session"), values).fetchone()
    return Session(row[0], Person(*row[1:5]), row[5]) if row else None


def mark_used(connection: Connection, number: int) -> None:
    """Stores the minute of a session's last use. Raises `StoreError`."""
    with guarded():
        connection.execute(statements.get("mark_session_used"), {"id": number})


def add(connection: Connection, sign_in: str, person: Person) -> tuple[int, str] | None:
    """Adds the session of a sign-in, which is known by its state; returns its number and what the cookie holds.

    None when the sign-in has made a session before.
    """
    connection.execute(statements.get("delete_old_sessions"))
    cookie = secrets.token_urlsafe(32)
    values = {"hash": _hash(cookie), "sign_in": _hash(sign_in), **msgspec.structs.asdict(person)}
    row = connection.execute(statements.get("add_session"), values).fetchone()
    return (row[0], cookie) if row else None


def end(connection: Connection, number: int) -> bool:
    """Ends a session at once. False when it has ended before."""
    return connection.execute(statements.get("end_session"), {"id": number}).fetchone() is not None


def selection(limits: Limits, subject: str | None = None, sort: str = "-id") -> Query:
    """The sessions that may be used now, of everybody or of one subject, in an order of `SORTINGS`."""
    query = Query(COLUMNS, "elder_worker.api_sessions", SORTINGS, sort, ["ended_at is null"])
    query.only("seen_at > now() - make_interval(secs => %s)", limits.idle)
    query.only("created_at > now() - make_interval(secs => %s)", limits.lifetime)
    query.only("subject = %s", subject)
    return query


def end_all(connection: Connection, subject: str) -> list[dict[str, Any]]:
    """Ends every session of a subject at once; returns those that had not ended, by issuer, subject, name and role."""
    return rows(connection, statements.get("end_sessions_of_subject"), {"subject": subject})


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="replace")).digest()
