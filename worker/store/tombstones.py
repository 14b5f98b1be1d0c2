"""What is no longer there: marked as gone, never deleted, and never too much at once without a person's word."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from worker.store import statements
from worker.store.connection import Connection, transaction

FREE = 20
"""So many may always go: a guard that stops every small clean-up would soon be switched off."""


def guarded(unseen: int, known: int, guard: float) -> bool:
    """Whether so many tombstones are held back. `guard` is the share of the scope above which they are (MASS_DELETE_GUARD)."""
    return unseen > FREE and unseen > guard * known


def tombstone(connection: Connection, scope: int, run: int | None, unseen: Sequence[int], known: int, guard: float) -> tuple[int, int]:
    """Tombstones what a complete scope did not show, or holds it back; (deleted, held back). Inside a transaction."""
    clear_held(connection, scope)
    connection.execute("update elder_worker.scopes set last_complete_at = now() where id = %s", [scope])
    if not unseen:
        return 0, 0
    values = {"scope": scope, "run": run, "keys": list(unseen)}
    if guarded(len(unseen), known, guard):
        connection.execute(statements.get("hold"), values)
        return 0, len(unseen)
    row = connection.execute(statements.get("tombstone"), values).fetchone()
    return (int(row[0]) if row else 0), 0


def unhold_seen(connection: Connection, scope: int, unseen: Iterable[int]) -> None:
    """What an incomplete scope has shown is held no more, whatever the rest of it would have been. Inside a transaction."""
    held = {key for (key,) in connection.execute(statements.get("held_keys"), {"scope": scope})}
    if held:
        connection.execute(statements.get("unhold"), {"scope": scope, "keys": list(held.difference(unseen))})


def release(connection: Connection, run: int) -> int | None:
    """Lets the tombstones go that a run's guard held back; how many there were. Raises `StoreError`.

    None while the job runs: it may be seeing again what was held. Until this is done, nobody can claim it.
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
    """The same for a connector, whose syncs have no rows of their own. What it sees again comes back to life. Raises `StoreError`."""
    with transaction(connection):
        return _release(connection, None, owner)


def clear_held(connection: Connection, scope: int) -> None:
    """What is held of a scope is not certain any more: the next complete reading decides anew. Inside a transaction."""
    connection.execute("delete from elder_worker.held where scope_id = %s", [scope])


def _release(connection: Connection, run: int | None, owner: str | None) -> int:
    row = connection.execute(statements.get("release_held"), {"run": run, "owner": owner}).fetchone()
    return int(row[0]) if row else 0
