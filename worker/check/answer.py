"""The inventory of a connectivity test: it keeps who we are, and nothing else."""

from __future__ import annotations

import msgspec

from providers.records import Identity, Organization, Scope
from supervisor.messages import Exited
from worker.run import wire
from worker.run.inventory import Totals
from worker.run.outcome import Verdict


class Answer:
    """An `Inventory` that stores nothing."""

    def __init__(self) -> None:
        self.totals = Totals()
        self.found: Identity | None = None

    def identity(self, identity: Identity) -> None:
        """Who the source says we are."""
        self.found = identity

    def organizations(self, organizations: list[Organization]) -> None:
        """Not expected of a test."""

    def begin(self, index: int, scope: Scope) -> None:
        """Not expected of a test."""

    def records(self, index: int, resources: list[msgspec.Raw]) -> None:
        """Not expected of a test."""

    def end(self, end: wire.ScopeEnd) -> None:
        """Not expected of a test."""

    def not_reached(self, scopes: list[Scope]) -> None:
        """Not expected of a test."""

    def flush(self) -> None:
        """Nothing to store."""

    def finish(self, verdict: Verdict, exited: Exited) -> Verdict:  # noqa: ARG002 - as every inventory
        """The verdict itself."""
        return verdict


def sentence(verdict: Verdict, seconds: float) -> str:
    """Why a connectivity test failed, for whoever asked: the run's own words where they tell; empty when it went well."""
    if verdict.error_kind in {"timeout", "idle"}:
        return f"no answer within {seconds:g} s: can the worker reach the source, or is it behind a firewall or a proxy?"
    return verdict.error
