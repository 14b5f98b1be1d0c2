"""Roles of keys, and what each may do. Every route names the role that it needs; one that names none is refused."""

from __future__ import annotations

from collections.abc import Mapping

from worker.store.keys import Role

ALLOWED: Mapping[Role, frozenset[Role]] = {
    "read": frozenset({"read", "operate", "admin"}),
    "operate": frozenset({"operate", "admin"}),
    "admin": frozenset({"admin"}),
    "sync": frozenset({"sync", "admin"}),
}
"""The role that a route needs -> the roles of keys that are let in."""


def may(role: Role, needed: Role) -> bool:
    """True if a key with `role` is let in where `needed` is needed."""
    return role in ALLOWED[needed]
