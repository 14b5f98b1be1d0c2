"""Checks that the database answers, and with which role."""

from __future__ import annotations

import msgspec

from worker.store import statements
from worker.store.connection import connect, guarded

RESPONSE_TIMEOUT = 10.0
"""Seconds to wait for the answer."""


class Pong(msgspec.Struct, frozen=True):
    """The server's version and role; `role` is ``primary`` or ``replica``."""

    user: str
    database: str
    version: str
    role: str


def ping(url: str) -> Pong:
    """Queries the server once. Raises `StoreError`."""
    with connect(url, "elder-worker check", response_timeout=RESPONSE_TIMEOUT) as connection, guarded():
        row = connection.execute(statements.get("server")).fetchone()
    assert row is not None
    return Pong(*row)
