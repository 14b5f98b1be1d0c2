"""Where a run's results go: PostgreSQL for discovery jobs, the Elder API for connectors, an answer for connectivity tests."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from providers.records import Identity, Organization, Scope
from supervisor.messages import Exited
from worker.run import wire
from worker.run.outcome import Verdict


class InventoryError(Exception):
    """The results cannot be stored. `error_kind` is ``lost``, ``database`` or ``internal``; the message is for the operator."""

    def __init__(self, message: str, *, error_kind: str, detail: str = "") -> None:
        super().__init__(message)
        self.error_kind, self.detail = error_kind, detail


class Totals(msgspec.Struct):
    """What a run came to."""

    resources: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    held_back: int = 0
    """Tombstones that the guard against mass deletion did not let through."""
    rejected: int = 0
    outcomes: dict[str, int] = {}
    """Outcome of scope -> how many."""
    refused_writes: int = 0
    """Writes that came too late: the claim was another's by then."""
    retries: dict[str, int] = {}
    """Transactions that were tried again, by reason: ``conflict`` or ``unreachable``."""


def added(one: Totals, other: Totals) -> Totals:
    """The sum of two."""
    return Totals(*(_sum(getattr(one, name), getattr(other, name)) for name in Totals.__struct_fields__))


def _sum(one: Any, other: Any) -> Any:
    return {key: one.get(key, 0) + other.get(key, 0) for key in {**one, **other}} if isinstance(one, dict) else one + other


def held_back(entities: int, release: str) -> str:
    """The sentence for whoever looks at a run whose guard held something back; `release` is the command that lets it go."""
    return f"{entities} entities are gone from their source, more than MASS_DELETE_GUARD lets go at once; to let them go: {release}"


class Inventory(Protocol):
    """Takes one run's results, in the order of the frames, from one thread. Every method may raise `InventoryError`."""

    @property
    def totals(self) -> Totals:
        """So far."""

    def identity(self, identity: Identity) -> None:
        """Who the source says we are."""

    def organizations(self, organizations: list[Organization]) -> None:
        """Organizations that later resources name."""

    def begin(self, index: int, scope: Scope) -> None:
        """A scope opens."""

    def records(self, index: int, resources: list[msgspec.Raw]) -> None:
        """Resources of an open scope, not yet decoded."""

    def end(self, end: wire.ScopeEnd) -> None:
        """A scope closes; a complete one tombstones what was not seen in it."""

    def flush(self) -> None:
        """Stores what has arrived, with the progress."""

    def finish(self, verdict: Verdict, exited: Exited) -> Verdict:
        """Stores the outcome; the verdict as stored (a run whose tombstones were held back ...)."""
