"""The inventory of a connectivity test: it keeps the identity that the source reports, and stores nothing."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from providers.records import Identity, Organization, Scope
from supervisor.messages import Exited
from worker.run import wire
from worker.run.inventory import Totals
from worker.run.outcome import RunLog, Verdict


class NullInventory:
    """An `Inventory` that stores nothing. A test sends the source's identity alone; whatever else comes is dropped."""

    def __init__(self) -> None:
        self.totals = Totals()
        self.found: Identity | None = None

    def observe(self, stored: Callable[[int, int], None]) -> None:
        """Has nothing to observe: a test stores no batch."""

    def identity(self, identity: Identity) -> None:
        """Keeps the identity that the source reports."""
        self.found = identity

    def organizations(self, organizations: list[Organization]) -> None:
        """Drops the organizations of the source."""

    def begin(self, index: int, scope: Scope) -> None:
        """Drops a scope that opens."""

    def repeated(self, index: int, encoded: bytes | memoryview) -> int:  # noqa: ARG002 - as every inventory
        """0: a test stores nothing that could come again."""
        return 0

    def records(self, index: int, resources: list[msgspec.Raw]) -> None:
        """Drops the resources of a scope."""

    def end(self, end: wire.ScopeEnd) -> None:
        """Drops the outcome of the scope."""

    def not_reached(self, scopes: list[Scope]) -> None:
        """Not expected of a test."""

    def flush(self, log: RunLog | None = None) -> None:
        """Has nothing to store."""

    def finish(self, verdict: Verdict, exited: Exited) -> Verdict:  # noqa: ARG002 - as every inventory
        """The verdict, unchanged, of the run."""
        return verdict


def sentence(verdict: Verdict, seconds: float) -> str:
    """Why a connectivity test failed: the run's own sentence where it has one; empty when the test succeeded."""
    if verdict.error_kind in {"timeout", "idle"}:
        return f"no answer within {seconds:g} s: can the worker reach the source, or is it behind a firewall or a proxy?"
    return verdict.error
