"""Attention: jobs, connectors, scopes and webhooks that wait for a person."""

from __future__ import annotations

from typing import Any

from worker.store import statements
from worker.store.connection import Connection
from worker.store.query import rows


def attention(connection: Connection) -> list[dict[str, Any]]:
    """Rows that need a person's attention, each with `kind`, `number` (of a job or run), `name` and `count`; at most 200.

    Kinds: ``parked`` and ``failing`` jobs, a ``connector`` whose newest sync was not complete, deletions that are ``held`` back, scopes
    that are ``stale`` (not read in full for a week), ``abandoned`` scopes, entities of a job or connector that are ``unconfirmed``, a
    ``webhook`` with deliveries that were given up within a week, keys of the API that are ``expiring`` within two weeks or have expired
    within the last two, jobs and connectors (`number` is null) whose ``credential`` ends within thirty days or has ended (`count` of both
    kinds is the days that are left), and jobs of whose last run scopes were ``denied`` (`number` is the run).
    """
    return rows(connection, statements.get("attention"), {})
