"""An inventory that records a run's scopes and batches in its trace, and passes everything on to the one that stores it."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from providers.records import Identity, Organization, Scope
from supervisor.messages import Exited
from worker.run import wire
from worker.run.inventory import Inventory, Totals
from worker.run.outcome import RunLog, Verdict
from worker.telemetry.run_trace import RunTrace


class TracedInventory:
    """An `Inventory` whose scopes and batches become spans."""

    def __init__(self, inner: Inventory, trace: RunTrace) -> None:
        self._inner, self._trace = inner, trace
        inner.observe(trace.stored)

    @property
    def totals(self) -> Totals:
        """The run's counts so far."""
        return self._inner.totals

    def observe(self, stored: Callable[[int, int], None]) -> None:
        """Has another observer told of stored batches, in place of the trace."""
        self._inner.observe(stored)

    def identity(self, identity: Identity) -> None:
        """Passes the source's identity on."""
        self._inner.identity(identity)

    def organizations(self, organizations: list[Organization]) -> None:
        """Passes organizations on to the inventory."""
        self._inner.organizations(organizations)

    def begin(self, index: int, scope: Scope) -> None:
        """Opens a scope, whose span begins before its state is loaded."""
        self._trace.scope_began(index, scope, time.monotonic_ns())
        self._inner.begin(index, scope)

    def repeated(self, index: int, encoded: bytes | memoryview) -> int:
        """Passes a batch on; returns how many resources it holds if it is known."""
        return self._inner.repeated(index, encoded)

    def records(self, index: int, resources: list[msgspec.Raw]) -> None:
        """Passes resources on to the inventory."""
        self._inner.records(index, resources)

    def end(self, end: wire.ScopeEnd) -> None:
        """Closes a scope, whose span ends when that is stored."""
        self._inner.end(end)
        self._trace.scope_ended(end)

    def not_reached(self, scopes: list[Scope]) -> None:
        """Passes on which scopes were not begun: they have no span."""
        self._inner.not_reached(scopes)

    def flush(self, log: RunLog | None = None) -> None:
        """Has what has arrived stored."""
        self._inner.flush(log)

    def finish(self, verdict: Verdict, exited: Exited) -> Verdict:
        """Has the outcome stored; returns the verdict as stored."""
        return self._inner.finish(verdict, exited)
