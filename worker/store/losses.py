"""Losses: links and attributes that entities no longer have. Each waits for the end of its scope, where it is applied or held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from worker.store import guard, statements
from worker.store.connection import Connection
from worker.store.guard import Loss


class Losses(NamedTuple):
    """How many links and attributes were held back, or released."""

    links: int = 0
    attributes: int = 0


def any_anywhere(connection: Connection) -> bool:
    """True when something waits or is held in any scope; of an entity that changes its owner, it stands under the old one still."""
    row = connection.execute("select exists (select from elder_worker.losses)").fetchone()
    return row is not None and bool(row[0])


def any_in(connection: Connection, scope: int) -> bool:
    """True when something waits or is held in a scope."""
    row = connection.execute(statements.get("has_losses"), {"scope": scope}).fetchone()
    return row is not None and bool(row[0])


def settle(connection: Connection, scope: int, run: int | None, share: float) -> Losses:
    """Applies or holds what waits in a scope at its end; returns what is held. `share` is MASS_DELETE_GUARD. Inside a transaction."""
    if not any_in(connection, scope):
        return Losses()
    connection.execute(statements.get("forget_moot_losses"), {"scope": scope})
    held: dict[str, int] = {"link": 0, "attribute": 0}
    applied: dict[str, list[str]] = {"link": [], "attribute": []}
    for row in connection.execute(statements.get("count_losses"), {"scope": scope}).fetchall():
        loss = Loss(*row)
        if guard.holds(connection, scope, loss, share):
            held[loss.kind] += loss.lost
            connection.execute(statements.get("hold_losses"), {"scope": scope, "run": run, "kind": loss.kind, "name": loss.name})
        else:
            applied[loss.kind].append(loss.name)
            guard.remember(connection, scope, loss)
    values = {"scopes": [scope], "run": run, "of_run": None, "release": None}
    connection.execute(statements.get("apply_links"), {**values, "names": applied["link"]})
    connection.execute(statements.get("apply_attributes"), {**values, "names": applied["attribute"]})
    return Losses(held["link"], held["attribute"])


def release(connection: Connection, scopes: Sequence[int], run: int | None, release: int) -> Losses:
    """Applies what is held in these scopes, of one run if given, for a release; returns how much. Inside a transaction."""
    values = {"scopes": list(scopes), "run": run, "of_run": run, "names": None, "release": release}
    counts = [connection.execute(statements.get(name), values).fetchone() for name in ("apply_links", "apply_attributes")]
    return Losses(*(int(row[0]) if row else 0 for row in counts))
