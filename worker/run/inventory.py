"""The interface that stores a run's results: in PostgreSQL for discovery jobs, in the Elder API for connectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from providers.records import Identity, Organization, Scope
from supervisor.messages import Exited
from worker.run import wire
from worker.run.outcome import RunLog, Verdict


class InventoryError(Exception):
    """The results cannot be stored. `error_kind` is ``lost``, ``database`` or ``internal``; the message is for the operator."""

    def __init__(self, message: str, *, error_kind: str, detail: str = "") -> None:
        super().__init__(message)
        self.error_kind, self.detail = error_kind, detail


class NotStored(InventoryError):
    """The outcome of a run cannot be stored now, as the database does not answer; `verdict` is what is to be stored when it does."""

    def __init__(self, message: str, verdict: Verdict) -> None:
        super().__init__(message, error_kind="database")
        self.verdict = verdict


class Unanswered(InventoryError):
    """The database has not answered for as long as was waited."""


class WritesLost(InventoryError):
    """The database has lost writes that it had confirmed, as after a crash, a restore or a fail-over to a standby that lags."""


def unobserved(_began: int, _rows: int) -> None:
    """Observes nothing: the observer of batches where nobody wants to know."""


class Totals(msgspec.Struct):
    """Counts of one run."""

    resources: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    held_back: int = 0
    """Tombstones held back by the guard against mass deletion."""
    held_links: int = 0
    held_attributes: int = 0
    rejected: int = 0
    outcomes: dict[str, int] = {}
    """Number of scopes by outcome."""
    refused_writes: int = 0
    """Writes refused because another worker held the claim."""
    retries: dict[str, int] = {}
    """Retried transactions by reason: ``conflict`` or ``unreachable``."""
    confirmed: int = 0
    """Resources that the database has confirmed as stored; each later transaction checks that it still knows them."""
    planned: int = 0
    """Scopes that are planned, those that have ended among them."""


def added(one: Totals, other: Totals) -> Totals:
    """The sum of two runs' counts."""
    return Totals(*(_sum(getattr(one, name), getattr(other, name)) for name in Totals.__struct_fields__))


def _sum(one: Any, other: Any) -> Any:
    return {key: one.get(key, 0) + other.get(key, 0) for key in {**one, **other}} if isinstance(one, dict) else one + other


def held_back(totals: Totals, release: str) -> str:
    """Sentence for a run whose guard held something back, empty when nothing was; `release` is the command that applies it.

    It stays true in the history of runs, whatever becomes of what was held back.
    """
    counts = {"entities": totals.held_back, "links": totals.held_links, "attributes": totals.held_attributes}
    parts = [f"{count} {name}" for name, count in counts.items() if count]
    if not parts:
        return ""
    what = f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
    return f"{what} were missing, more than MASS_DELETE_GUARD lets go at once: held back until seen again or released by `{release}`"


def release_command(whose: int | str) -> str:
    """The command by which a person releases what is held back of a run, by its row, or of a connector, by its owner."""
    return f"elder runs release {whose}" if isinstance(whose, int) else f"elder connectors release {whose.removeprefix('connector:')}"


class Inventory(Protocol):
    """Takes one run's results, in the order of the frames, from one thread. Every method may raise `InventoryError`."""

    @property
    def totals(self) -> Totals:
        """The run's counts so far."""

    def observe(self, stored: Callable[[int, int], None]) -> None:
        """Has `stored` called after each batch: with when it began, in nanoseconds of the monotonic clock, and the rows written.

        It is called by the thread that has written, and must not raise.
        """

    def identity(self, identity: Identity) -> None:
        """Takes the identity that the source reports."""

    def organizations(self, organizations: list[Organization]) -> None:
        """Takes organizations that later resources name."""

    def begin(self, index: int, scope: Scope) -> None:
        """Opens a scope for writing."""

    def repeated(self, index: int, encoded: bytes | memoryview) -> int:
        """Takes a batch of an open scope, a JSON array, if its bytes are those of a batch of the last complete reading.

        Returns how many resources it holds; 0 when it is not such a batch, and has to come by `records`.
        """

    def records(self, index: int, resources: list[msgspec.Raw]) -> None:
        """Takes encoded resources of an open scope."""

    def end(self, end: wire.ScopeEnd) -> None:
        """Closes a scope; a complete scope tombstones what was not seen in it."""

    def not_reached(self, scopes: list[Scope]) -> None:
        """Scopes that were planned and not begun when the run ended."""

    def flush(self, log: RunLog | None = None) -> None:
        """Stores what has arrived and the progress; `log` is all that the run has logged so far, where some of it is new."""

    def finish(self, verdict: Verdict, exited: Exited) -> Verdict:
        """Stores the outcome; returns the verdict as stored, which may add a sentence about what was held back."""
