"""The interface of the queue of jobs that the writer uses and the store implements."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from providers.records import Scope
from worker.run.outcome import Verdict


class Abilities(msgspec.Struct, frozen=True):
    """The jobs that a worker can run: those of providers that are installed and switched on, in the queues that it serves."""

    providers: tuple[str, ...]
    queues: tuple[str, ...] = ("default",)


class Claimed(msgspec.Struct, frozen=True):
    """A claimed job; the claim holds as long as `token` is renewed."""

    job_id: int
    run_id: int
    token: int
    name: str
    provider: str
    config: dict[str, Any]
    organization_id: int | None = None
    attempt: int = 1
    identity: str | None = None
    """The identity that the job is pinned to: the account, tenant, cluster or directory that its first complete run has read."""
    attempted: tuple[Scope, ...] = ()
    """Scopes of earlier runs, the oldest attempt first."""


class Swept(msgspec.Struct, frozen=True):
    """A run that was ended because its worker is gone; `status` is the job's new status."""

    job_id: int
    run_id: int
    provider: str
    attempt: int
    status: str
    seconds: float = 0.0
    """Seconds from the run's beginning to its end by the sweep."""
    worker: str = ""
    """Name of the worker that is gone."""


class Test(msgspec.Struct, frozen=True):
    """A claimed connectivity test."""

    id: str
    provider: str
    config: dict[str, Any]


class Renewal(msgspec.Struct, frozen=True):
    """Result of renewing leases: runs that were lost, and runs that a person cancelled."""

    lost: frozenset[str] = frozenset()
    cancelled: frozenset[str] = frozenset()


class Numbers(msgspec.Struct, frozen=True):
    """Size and age of the queue, and what waits for a person."""

    depth: int = 0
    oldest_due_seconds: float = 0.0
    parked: int = 0
    """Jobs that crashed too often in a row."""
    current_scopes: int = 0
    abandoned_scopes: int = 0
    stale_scopes: int = 0
    """Current scopes that were not read in full for seven days."""
    held_back: int = 0
    """Entities, links and attributes that the guard against mass deletion holds back."""
    failing_jobs: int = 0
    """Enabled jobs whose latest ended run was an error."""
    failing_connectors: int = 0
    """Connectors whose latest sync did not read everything."""
    ending_credentials: int = 0
    """Jobs and connectors whose credential ends within 30 days, or has ended."""
    ending_keys: int = 0
    """Keys of the API that end within 14 days, or have ended within as many."""
    unconfirmed: int = 0
    """Entities that have been unconfirmed for seven days."""
    denied_jobs: int = 0
    """Enabled jobs that do not fail and were denied a scope when they last read it."""


class State(msgspec.Struct):
    """State of the database connection, for the report."""

    state: str = "down"
    since: float = 0.0
    error: str = ""
    schema: str = ""


class Unreachable(Exception):
    """The database does not answer, or fails; the message says why."""


class Unacceptable(Exception):
    """The database rejects a value, now and later; the message says why."""


class Cleaned(msgspec.Struct, frozen=True):
    """How many rows of each kind a batch of retention has deleted, and whether there may be more."""

    rows: dict[str, int] = {}
    more: bool = False


class Queue(Protocol):
    """A connected session of the store. Every method may raise `Unreachable`; methods with values also `Unacceptable`."""

    schema: str
    """Version of the schema."""

    def fileno(self) -> int:
        """Descriptor that is readable when a notification has arrived."""

    def notified(self) -> bool:
        """Takes the notifications that have arrived; returns true when there were some."""

    def claim(self, limit: int, job: int | None) -> list[Claimed]:
        """Claims due jobs, or the given one."""

    def claim_tests(self, limit: int) -> list[Test]:
        """Claims waiting connectivity tests."""

    def renew(self, claims: list[Claimed]) -> Renewal:
        """Renews our leases and writes our heartbeat."""

    def release(self, claimed: Claimed, sentence: str) -> bool:
        """Returns a job to the queue as if it had not been claimed. False when the claim was lost."""

    def finish(self, claimed: Claimed, verdict: Verdict, owner: str = "") -> Verdict | None:
        """Stores the end of a run that had no process, or whose end could not be stored before. None when the claim was lost.

        Returns the verdict as stored: an error when the database has lost what it had confirmed to a run that was complete.
        `owner` is the earlier writer that made the claim, empty for this one.
        """

    def answer(self, test: Test, answer: dict[str, Any]) -> None:
        """Stores the answer of a connectivity test."""

    def release_tests(self) -> None:
        """Returns unanswered connectivity tests of this worker to the queue."""

    def sweep(self, overdue: float = 0.0) -> list[Swept]:
        """Ends the runs of workers whose leases ended `overdue` seconds ago; each swept run is returned once, to one worker."""

    def clean(self) -> Cleaned:
        """Deletes a batch of what is kept no longer."""

    def add_signatures(self) -> bool:
        """Adds a batch of entities to the signatures by which searches find them; True when there may be more."""

    def numbers(self) -> Numbers:
        """Counts due jobs and the age of the oldest."""

    def close(self) -> None:
        """Closes the session with the database."""
