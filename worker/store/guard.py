"""The guard against mass deletion: what a reading may take away without a person's word.

It counts entities, links of one type, and an attribute that most entities of a scope have. It compares one scope in one run, and all that
the scope and its account have lost within a day, so that many small scopes or repeated runs do not pass where one large loss is held.
Entities are counted on balance over the day: entities that come and go, such as pods, are not a loss.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from worker.store import statements
from worker.store.connection import Connection

FREE = 20
"""Losses that are never held back by themselves, so that small clean-ups need no release."""

OFF = 1.0
"""MASS_DELETE_GUARD that holds nothing back."""

LossKind = Literal["entity", "link", "attribute"]


class Loss(NamedTuple):
    """The loss of one kind and name that a scope is about to have, with how many it has, and of how many entities."""

    kind: LossKind
    name: str
    lost: int
    had: int
    entities: int


def holds(connection: Connection, scope: int, loss: Loss, guard: float) -> bool:
    """True when a loss is held back. `guard` is MASS_DELETE_GUARD, a share. Inside a transaction."""
    if not loss.lost:
        return False
    if exceeds(loss, guard):
        return True
    values = {"scope": scope, "kind": loss.kind, "name": loss.name}
    row = connection.execute(statements.get("lost_lately"), values).fetchone()
    assert row is not None
    had, entities, lost_on_balance, lost = map(int, row)
    peak = max(had, loss.had)
    today = loss._replace(lost=loss.lost + peak - loss.had, had=peak, entities=max(loss.entities, peak))
    if exceeds(today, guard):
        return True
    if loss.kind == "entity":
        return exceeds(today._replace(lost=today.lost + lost_on_balance, had=today.had + entities + lost_on_balance), guard)
    if loss.lost + lost <= FREE:
        return False
    row = connection.execute(statements.get("count_in_account"), values).fetchone()
    assert row is not None
    return exceeds(loss._replace(lost=loss.lost + lost, had=int(row[0]) + lost, entities=max(int(row[1]), int(row[0]) + lost)), guard)


def exceeds(loss: Loss, guard: float) -> bool:
    """True when a loss is too large: of an attribute, when most entities have it and less than half of those would keep it."""
    if loss.lost <= FREE or guard >= OFF:
        return False
    if loss.kind == "attribute":
        return 2 * loss.had > loss.entities and 2 * loss.lost > loss.had
    return loss.lost > guard * loss.had


def remember(connection: Connection, scope: int, loss: Loss) -> None:
    """Remembers for a day that a scope has lost something. Inside a transaction."""
    values = {"scope": scope, "kind": loss.kind, "name": loss.name, "had": loss.had, "lost": loss.lost}
    connection.execute(statements.get("remember_applied"), values)
