"""Tombstones: entities that a complete scope no longer contains are marked as deleted, but many at once only after a person's release.

`release` and `release_connector` apply what the guard (`worker.store.guard`) has held back. `worker.store.releases` records and undoes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from providers.records import Absence
from worker.store import guard, losses, releases, scopes, statements
from worker.store.connection import Connection, transaction
from worker.store.guard import Loss
from worker.store.losses import Losses

LAG = 900.0
"""Seconds between two readings of a source that lags which both lack an entity. Cloud Asset Inventory lags by minutes."""


class Released(NamedTuple):
    """The numbers of entities, links and attributes that a release deleted."""

    entities: int
    links: int
    attributes: int


def tombstone(connection: Connection, scope: int, run: int | None, unseen: Sequence[int], known: int, share: float) -> tuple[int, int]:
    """Tombstones or holds back the unseen entities of a complete scope; returns how many of each. Inside a transaction.

    `known` is how many the scope had when its reading began; `share` is MASS_DELETE_GUARD.
    """
    if not unseen:
        clear_held(connection, scope)
        return 0, 0
    values = {"scope": scope, "run": run, "keys": list(unseen)}
    scopes.hand_over(connection, [scope], keys=unseen)
    row = connection.execute(statements.get("count_own"), values).fetchone()
    own, active = row or (0, 0)
    loss = Loss("entity", "", own, active, active)
    if guard.holds(connection, scope, loss, share) or guard.exceeds(loss._replace(had=known), share):
        connection.execute(statements.get("unhold_others"), values)
        connection.execute(statements.get("hold"), values)
        return 0, own
    clear_held(connection, scope)
    if own:
        guard.remember(connection, scope, loss)
    row = connection.execute(statements.get("tombstone"), values).fetchone()
    return (int(row[0]) if row else 0), 0


def proven(connection: Connection, scope: int, unseen: Sequence[int], absence: Absence) -> list[int]:
    """The unseen entities of a complete scope whose absence is proven. The others are marked as unconfirmed; what was seen is confirmed.

    Where a source lags, an absence is proven by two readings that are `LAG` apart. The scope's sightings of others' entities are forgotten
    at once. Inside a transaction.
    """
    if unseen:
        connection.execute(statements.get("forget_sightings"), {"scope": scope, "keys": list(unseen)})
    if absence is Absence.DELETED:
        connection.execute(statements.get("confirm"), {"scope": scope, "except_keys": []})
        return list(unseen)
    values = {"scope": scope, "keys": list(unseen), "lag": LAG}
    connection.execute(statements.get("confirm"), {"scope": scope, "except_keys": values["keys"]})
    connection.execute(statements.get("unconfirm"), values)
    if absence is Absence.OUTSIDE:
        return []
    return [key for (key,) in connection.execute(statements.get("unconfirmed_before"), values)]


def confirm_seen(connection: Connection, scope: int, unseen: Iterable[int]) -> None:
    """Confirms entities that an incomplete scope has shown. Inside a transaction."""
    unconfirmed = {key for (key,) in connection.execute(statements.get("unconfirmed_keys"), {"scope": scope})}
    if unconfirmed:
        connection.execute(statements.get("confirm"), {"scope": scope, "except_keys": list(unconfirmed.intersection(unseen))})


def unhold_seen(connection: Connection, scope: int, unseen: Iterable[int]) -> None:
    """Stops holding back entities that the scope has shown, and holds back the others still, except those that another scope sees.

    For a reading that does not decide on deletions: of an incomplete scope, or of one that was seen from outside its owner. Inside a
    transaction.
    """
    held = {key for (key,) in connection.execute(statements.get("held_keys"), {"scope": scope})}
    if held:
        still = list(held.intersection(unseen))
        scopes.hand_over(connection, [scope], keys=still)
        connection.execute(statements.get("unhold_others"), {"scope": scope, "keys": still})


def release(connection: Connection, run: int, by: str = "") -> Released | None:
    """Applies what a run's guard held back, on the word of `by`; returns how much. Raises `StoreError`.

    Returns None while the job runs, as it may be seeing those entities again; the job cannot be claimed meanwhile.
    """
    with transaction(connection):
        row = connection.execute(statements.get("lock_job_of"), {"run": run}).fetchone()
        if row is not None and row[0]:
            return None
        released = _release(connection, run, None, by)
        releases.tell(connection, run, None, "")
        connection.execute(statements.get("settle_ledger"), {"run": run})
        connection.execute("update discovery_history set entities_deleted = entities_deleted + %s where id = %s", [released.entities, run])
    return released


def release_connector(connection: Connection, owner: str, by: str = "") -> Released:
    """Applies what was held back for a connector, on the word of `by`; returns how much. Raises `StoreError`.

    Entities that are seen again are restored.
    """
    with transaction(connection):
        releases.tell(connection, None, owner, "")
        return _release(connection, None, owner, by)


def clear_held(connection: Connection, scope: int) -> None:
    """Clears the entities held back in a scope, because a new reading decides anew. Inside a transaction."""
    connection.execute("delete from elder_worker.held where scope_id = %s", [scope])


def _release(connection: Connection, run: int | None, owner: str | None, by: str) -> Released:
    release = releases.begin(connection, run, owner, by)
    whose = {"run": run, "owner": owner, "release": release}
    holding = [scope for (scope,) in connection.execute(statements.get("scopes_with_held"), whose)]
    for scope in holding:  # what another scope has seen meanwhile is alive
        held = [key for (key,) in connection.execute(statements.get("held_keys"), {"scope": scope})]
        scopes.hand_over(connection, [scope], keys=held)
    applied: Losses = losses.release(connection, holding, run, release)
    row = connection.execute(statements.get("release_held"), whose).fetchone()
    released = Released(int(row[0]) if row else 0, *applied)
    connection.execute(statements.get("forget_applied"), {"scopes": holding})
    connection.execute(statements.get("count_scopes"), {"scopes": holding})
    releases.end(connection, release, **released._asdict())
    return released
