"""Tombstones: entities that a complete scope no longer contains are marked as deleted, but many at once only after a person's release."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from worker.store import statements
from worker.store.connection import Connection, transaction

FREE = 20
"""Tombstones that are never held back, so that small clean-ups need no release."""


def guarded(unseen: int, known: int, guard: float) -> bool:
    """True when this many tombstones are held back. `guard` is MASS_DELETE_GUARD, a share of the scope."""
    return unseen > FREE and unseen > guard * known


def tombstone(connection: Connection, scope: int, run: int | None, unseen: Sequence[int], known: int, guard: float) -> tuple[int, int]:
    """Tombstones or holds back the unseen entities of a complete scope; returns how many of each. Inside a transaction."""
    clear_held(connection, scope)
    if not unseen:
        return 0, 0
    values = {"scope": scope, "run": run, "keys": list(unseen)}
    connection.execute(statements.get("forget_sightings"), values)
    connection.execute(statements.get("hand_over"), values)
    row = connection.execute(statements.get("count_own"), values).fetchone()
    own = int(row[0]) if row else 0
    if guarded(own, known, guard):
        connection.execute(statements.get("hold"), values)
        return 0, own
    row = connection.execute(statements.get("tombstone"), values).fetchone()
    return (int(row[0]) if row else 0), 0


def unhold_seen(connection: Connection, scope: int, unseen: Iterable[int]) -> None:
    """Stops holding back entities that an incomplete scope has shown. Inside a transaction."""
    held = {key for (key,) in connection.execute(statements.get("held_keys"), {"scope": scope})}
    if held:
        connection.execute(statements.get("unhold"), {"scope": scope, "keys": list(held.difference(unseen))})


def release(connection: Connection, run: int) -> int | None:
    """Applies the tombstones that a run's guard held back; returns how many. Raises `StoreError`.

    Returns None while the job runs, as it may be seeing those entities again; the job cannot be claimed meanwhile.
    """
    with transaction(connection):
        row = connection.execute(statements.get("lock_job_of"), {"run": run}).fetchone()
        if row is not None and row[0]:
            return None
        released = _release(connection, run, None)
        connection.execute("update run_scopes set deleted = deleted + held_back, held_back = 0 where run_id = %s and held_back > 0", [run])
        connection.execute("update discovery_history set entities_deleted = entities_deleted + %s where id = %s", [released, run])
    return released


def release_connector(connection: Connection, owner: str) -> int:
    """Applies the tombstones held back for a connector; returns how many. Entities seen again are restored. Raises `StoreError`."""
    with transaction(connection):
        return _release(connection, None, owner)


def clear_held(connection: Connection, scope: int) -> None:
    """Clears what is held back in a scope, because a new reading decides anew. Inside a transaction."""
    connection.execute("delete from elder_worker.held where scope_id = %s", [scope])


def _release(connection: Connection, run: int | None, owner: str | None) -> int:
    row = connection.execute(statements.get("release_held"), {"run": run, "owner": owner}).fetchone()
    return int(row[0]) if row else 0
