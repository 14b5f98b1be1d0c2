"""Effective access, by the links of the inventory: who reaches an entity, and what it reaches, through groups, bindings and roles."""

from __future__ import annotations

import collections
import dataclasses
from typing import Any

from worker.store import statements
from worker.store.connection import Connection
from worker.store.query import rows

FORWARD = ("member_of", "has_role", "grants_role", "on_scope", "has_policy")
"""Links from the one who has something to what it has."""

BACKWARD = ("granted_to", "assigned_to", "has_member", "assumable_by")
"""Links from what is had, such as a binding, to the one who has it."""

MEMBERS = ("user", "group", "service_account", "role", "device", "membership", "permission")
"""Categories of what can be a member of a group; a project that is a member of its folder has nothing by that."""

DEEPEST, MOST, EACH = 8, 500, 200
"""Links of a way, entities in all, and entities one link from another."""


@dataclasses.dataclass(frozen=True)
class Reached:
    """An entity that is reached, and the nearest way to it."""

    id: int
    name: str
    entity_type: str
    sub_type: str
    way: tuple[str, ...]
    """Names of the entities between, from the one that is asked about on."""


@dataclasses.dataclass(frozen=True)
class Access:
    """Entities that are reached, the nearest first."""

    reached: list[Reached]
    more: bool
    """True when there are more than were looked at."""


def reaching(connection: Connection, entity: int) -> Access:
    """Finds who reaches an entity: members and those to whom it is granted, directly and through groups, bindings and roles."""
    return _closure(connection, entity, to_targets=BACKWARD, to_sources=FORWARD)


def reached(connection: Connection, entity: int) -> Access:
    """Finds what an entity reaches: its groups, roles, policies and scopes, directly and through each other."""
    return _closure(connection, entity, to_targets=FORWARD, to_sources=BACKWARD)


def _closure(connection: Connection, entity: int, *, to_targets: tuple[str, ...], to_sources: tuple[str, ...]) -> Access:
    """Everything that is reached, level by level, so that each way is the shortest.

    Links of the types `to_targets` are followed from source to target, those of `to_sources` from target to source.
    """
    values: dict[str, Any] = {"to_targets": list(to_targets), "to_sources": list(to_sources), "members": list(MEMBERS), "each": EACH}
    seen: dict[int, Reached | None] = {entity: None}
    level, more = [entity], False
    for _ in range(DEEPEST):
        if not level:
            break
        found = rows(connection, statements.get("access_steps"), {**values, "ids": level})
        more = more or max(collections.Counter(one["near_id"] for one in found).values(), default=0) >= EACH
        level = []
        for one in found:
            if one["id"] in seen:
                continue
            if len(seen) > MOST:
                return Access(_listed(seen), more=True)
            near = seen[one["near_id"]]
            way = (*near.way, near.name) if near else ()
            seen[one["id"]] = Reached(one["id"], one["name"] or one["external_id"], one["entity_type"], one["sub_type"], way)
            level.append(one["id"])
    return Access(_listed(seen), more or bool(level))


def _listed(seen: dict[int, Reached | None]) -> list[Reached]:
    return [one for one in seen.values() if one is not None]
