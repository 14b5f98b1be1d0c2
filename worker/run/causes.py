"""Causes: the scopes of one run that were not read in full, grouped by the reason that they share."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from providers import registry
from providers.errors import ConfigError, Outcome
from providers.records import Scope

NAMES_SHOWN = 5
"""Types and places that a sentence about a cause names."""


class Unread(msgspec.Struct, frozen=True):
    """A scope that was not read in full, with its reason as an operator reads it."""

    scope: Scope
    outcome: str
    message: str
    permission: str = ""

    def reason(self) -> tuple[str, str, str]:
        """Identifies the reason: outcome, permission, and the message without the scope's own account, region and type."""
        message = self.message
        for own in sorted({self.scope.account, self.scope.region, self.scope.resource_type}, key=len, reverse=True):
            message = message.replace(own, "*") if own else message
        return self.outcome, self.permission, message


class Cause(msgspec.Struct):
    """One reason why scopes were not read in full; `message` is that of the first of them."""

    outcome: str
    message: str
    permission: str
    scopes: int = 0
    resource_types: list[str] = []
    places: list[str] = []
    """Account and region of the scopes, as ``account region``; ``account`` alone for what has no region."""

    def sentence(self) -> str:
        """One line: how many scopes, which types, where, and why."""
        if self.scopes == 1:
            where = " ".join(part for part in (self.resource_types[0], *self.places) if part)
            return f"{where}: {self.message}"
        return f"{self.scopes} scopes ({_named(self.resource_types, 'types')} in {_named(self.places, 'places')}): {self.message}"


class Causes:
    """Gathers scopes that were not read in full. Not safe for several threads at once."""

    def __init__(self) -> None:
        self._by_reason: dict[tuple[str, str, str], Cause] = {}

    def add(self, unread: Unread) -> Cause:
        """Adds a scope to its cause and returns the cause; `scopes` is 1 for the first scope."""
        reason = unread.reason()
        if (cause := self._by_reason.get(reason)) is None:
            cause = self._by_reason[reason] = Cause(unread.outcome, unread.message, unread.permission)
        cause.scopes += 1
        place = " ".join(part for part in (unread.scope.account, unread.scope.region) if part)
        for names, name in ((cause.resource_types, unread.scope.resource_type), (cause.places, place)):
            if name not in names:
                names.append(name)
        return cause

    def all(self) -> list[Cause]:
        """The causes, that of the most scopes first."""
        return sorted(self._by_reason.values(), key=lambda cause: -cause.scopes)


def of_lines(lines: Iterable[dict[str, str]]) -> list[Cause]:
    """Groups the lines of a stored ledger; complete scopes have no cause."""
    causes = Causes()
    for line in lines:
        if line["outcome"] != Outcome.COMPLETE:
            scope = Scope(line["provider"], line["account"], line["region"], line["resource_type"], line["coverage"])
            causes.add(Unread(scope, line["outcome"], line["message"], line["permission"]))
    return causes.all()


class Grant(msgspec.Struct, frozen=True):
    """A text that a person copies to grant the permissions that a reading lacks; `advice` says what to do with it."""

    advice: str
    text: str


def grant(provider_name: str, causes: Iterable[Cause]) -> Grant | None:
    """The grant of exactly the permissions that these causes lack; None when that would end no cause, or the provider is not known here."""
    try:
        provider = registry.get(provider_name)
    except ConfigError:
        return None
    denied = {cause.permission for cause in causes if cause.outcome == Outcome.DENIED and not provider.is_withheld(cause.message)}
    lacking = sorted(filter(provider.can_grant, denied))
    return Grant(provider.grant_advice, provider.grant(lacking)) if lacking else None


def _named(names: list[str], noun: str) -> str:
    shown = ", ".join(name or "no place" for name in names[:NAMES_SHOWN])
    return shown if len(names) <= NAMES_SHOWN else f"{shown} and {len(names) - NAMES_SHOWN} more {noun}"
