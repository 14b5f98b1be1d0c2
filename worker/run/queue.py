"""The queue of jobs as the writer sees it: what the store must offer, whatever is behind it."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from worker.run.outcome import Verdict


class Claimed(msgspec.Struct, frozen=True):
    """A job that is ours to run, for as long as we renew `token`."""

    job_id: int
    run_id: int
    token: int
    name: str
    provider: str
    config: dict[str, Any]
    organization_id: int | None = None
    attempt: int = 1


class Swept(msgspec.Struct, frozen=True):
    """A run that was ended because its worker is gone; `status` is that of its job from now on."""

    job_id: int
    run_id: int
    provider: str
    attempt: int
    status: str


class Test(msgspec.Struct, frozen=True):
    """A connectivity test that is ours to answer."""

    id: str
    provider: str
    config: dict[str, Any]


class Renewal(msgspec.Struct, frozen=True):
    """What came of renewing: runs that are not ours any more, and runs that a person wants to end."""

    lost: frozenset[str] = frozenset()
    cancelled: frozenset[str] = frozenset()


class Numbers(msgspec.Struct, frozen=True):
    """Of the queue."""

    depth: int = 0
    oldest_due_seconds: float = 0.0


class State(msgspec.Struct):
    """Of the database, for the report."""

    state: str = "down"
    since: float = 0.0
    error: str = ""
    schema: str = ""


class Unreachable(Exception):
    """The database does not answer, or not as it should; the message says why."""


class Unacceptable(Exception):
    """The database answers that it does not take this value, now or later; the message says why."""


class Queue(Protocol):
    """A connected session of the store. Every method may raise `Unreachable`; those that are given something, `Unacceptable`."""

    schema: str
    """Version of the schema."""

    def fileno(self) -> int:
        """Readable when something was notified."""

    def notified(self) -> bool:
        """Takes the notifications that have come; true when there were some."""

    def claim(self, limit: int, job: int | None) -> list[Claimed]:
        """Due jobs, or that one."""

    def claim_tests(self, limit: int) -> list[Test]:
        """Connectivity tests that wait."""

    def renew(self, claims: list[Claimed]) -> Renewal:
        """Our leases and our heartbeat."""

    def release(self, claimed: Claimed, sentence: str) -> bool:
        """Back to the queue; nothing has happened. False when the claim was not ours any more."""

    def refuse(self, claimed: Claimed, verdict: Verdict) -> bool:
        """The run ended before it had a process. False when the claim was not ours any more."""

    def answer(self, test: Test, answer: dict[str, Any]) -> None:
        """Of a connectivity test."""

    def release_tests(self) -> None:
        """Back to the queue: connectivity tests that were claimed here and have no answer."""

    def sweep(self) -> list[Swept]:
        """Ends the runs of workers that are gone; each that has ended so is told once, whoever has ended it."""

    def numbers(self) -> Numbers:
        """The queue's."""

    def close(self) -> None:
        """Hangs up."""
