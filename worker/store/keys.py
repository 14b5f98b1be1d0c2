"""Keys of the API: named, each with a role, stored as hashes. A key is 256 random bits, so a plain SHA-256 cannot be guessed back.

A key of an organization reads that one and those below it, and nothing else. Its hash begins otherwise (`LIMITED`), so that a release that
does not know of such keys does not take it for one that reads everything.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any, Literal, LiteralString, NamedTuple

import msgspec

from worker.store import statements
from worker.store.connection import Connection, guarded, transaction
from worker.store.errors import Conflict, NotPossible
from worker.store.query import Order, Query, by_number, by_text, by_time, one

Role = Literal["read", "operate", "admin", "sync"]
"""`read` sees everything but keys and the audit log, `operate` also changes jobs, runs, scopes and organizations, `admin` also keys;
`sync` delivers what a connector found, and does nothing else."""

PREFIX = "elder_"
"""Beginning of every key, by which scanners of repositories and people know it."""

LIMITED = b"organization:"
"""Bytes that are put in front of a key of an organization when its hash is made."""

SHOWN = len(PREFIX) + 6
"""Characters of a key that stay readable, to recognise it by."""

COLUMNS: LiteralString = (
    "id, name, role, organization_id, prefix, created_by, created_at, expires_at, date_trunc('minute', last_used_at) as last_used_at, "
    "rotated_at, revoked_at, case when previous_until > now() then previous_until end as previous_until"
)

SORTINGS: Mapping[str, Order] = {
    "id": by_number("id", "id"),
    "name": by_text("name", "name"),
    "role": by_text("role", "role"),
    "last_used_at": by_time("date_trunc('minute', last_used_at)", "last_used_at"),
    "expires_at": by_time("expires_at", "expires_at"),
}
"""Orders of the list of keys, which are as many as people have made."""


class Found(NamedTuple):
    """A key that a request bears. `unmarked`: its last use is not stored for this minute yet."""

    id: int
    name: str
    role: Role
    organization_id: int | None
    """The organization that it is limited to, with those below it; None for a key without a limit."""
    unmarked: bool


def find(connection: Connection, key: str) -> Found | None:
    """The key as it is stored; None for one that was never made, was revoked or has expired."""
    row = connection.execute(statements.get("find_key"), _hashes(key)).fetchone()
    return Found(*row) if row else None


def mark_used(connection: Connection, number: int) -> None:
    """Stores the minute of a key's last use. Raises `StoreError`."""
    with guarded():
        connection.execute(statements.get("mark_key_used"), {"id": number})


def add(
    connection: Connection, name: str, role: Role, *, by: str, seconds: float | None = None, organization: int | None = None
) -> tuple[dict[str, Any], str]:
    """Adds a key that expires after `seconds`, or never; returns its row and the key, which is shown this once.

    With `organization` it reads that one and those below it, and its role is `read`.

    Raises `NotPossible` when a key of that name is in use.
    """
    key = _new()
    chosen = _hashes(key)["hash" if organization is None else "limited"]
    values = {"name": name, "role": role, "organization": organization, "hash": chosen, "prefix": key[:SHOWN], "by": by, "seconds": seconds}
    try:
        with transaction(connection):
            row = connection.execute(statements.get("add_key"), values).fetchone()
    except Conflict:
        raise NotPossible(f"a key named '{name}' is in use: revoke or rotate it, or choose another name") from None
    assert row is not None
    return _stored(connection, row[0]), key


def rotate(connection: Connection, number: int, grace: float) -> tuple[dict[str, Any], str] | None:
    """Replaces a key by a new one; the old one is taken for `grace` seconds more. None when there is no such key in use."""
    key = _new()
    values = {"id": number, **_hashes(key), "prefix": key[:SHOWN], "grace": grace}
    with transaction(connection):
        row = connection.execute(statements.get("rotate_key"), values).fetchone()
    return (_stored(connection, number), key) if row else None


def revoke(connection: Connection, number: int) -> dict[str, Any] | None:
    """Ends a key, and the one before it, at once. None when there is no such key in use."""
    with transaction(connection):
        row = connection.execute(statements.get("revoke_key"), {"id": number}).fetchone()
    return _stored(connection, number) if row else None


def get(connection: Connection, number: int) -> dict[str, Any] | None:
    """One key without its hash."""
    return one(connection, "select " + COLUMNS + " from elder_worker.api_keys where id = %s", [number])


def in_use(connection: Connection, name: str) -> dict[str, Any] | None:
    """The key of that name that is not revoked."""
    return one(connection, "select " + COLUMNS + " from elder_worker.api_keys where name = %s and revoked_at is null", [name])


def selection(sort: str = "-id") -> Query:
    """All keys, revoked ones too, in an order of `SORTINGS`."""
    return Query(COLUMNS, "elder_worker.api_keys", SORTINGS, sort)


class Names(msgspec.Struct, frozen=True):
    """A key's name, role and organization, as a person gives them."""

    name: str
    role: Role
    organization_id: int | None = None

    def __post_init__(self) -> None:
        """Bounds, as a `ValueError`."""
        if not 0 < len(self.name.strip()) <= 100 or not self.name.isprintable():
            raise ValueError("`name` has 1 to 100 printable characters")
        if self.organization_id is not None and self.role != "read":
            raise ValueError(
                f"a key of an organization has the role `read`, not `{self.role}`: it sees that organization, and changes nothing"
            )


def _stored(connection: Connection, number: int) -> dict[str, Any]:
    found = get(connection, number)
    assert found is not None
    return found


def _new() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def _hashes(key: str) -> dict[str, bytes]:
    """The hash of a key without a limit, and that of a key of an organization."""
    return {"hash": hashlib.sha256(key.encode()).digest(), "limited": hashlib.sha256(LIMITED + key.encode()).digest()}
