"""The connection of a run: each transaction begins with the check of the run's claim, and is tried again after a passing fault."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import TypeVar

from worker.run.inventory import InventoryError, Totals, Unanswered, WritesLost
from worker.run.outcome import Verdict
from worker.run.queue import Claimed
from worker.store import claims
from worker.store.connection import Connection, transaction
from worker.store.errors import Conflict, LostClaim, LostWrites, Refused, StoreError, Unreachable

RETRY_SECONDS = (0.2, 1.0, 4.0)
"""Seconds before a transaction is tried again after a broken connection or a conflict; all that it does may be done twice.
The last one repeats while the database does not answer."""

ResultT = TypeVar("ResultT")


class ClaimedConnection:
    """Used by the thread of one run."""

    def __init__(
        self, connect: Callable[[], Connection], owner: str, claimed: Claimed, totals: Totals, grace: Callable[[], float] = lambda: 0.0
    ) -> None:
        """`owner` holds the claim; retries and refused writes are counted in `totals`.

        `grace` gives the seconds for which a database that does not answer is waited for, beyond the first retries.
        """
        self._connect, self._owner, self._claimed, self._totals, self._grace = connect, owner, claimed, totals, grace
        self._connection: Connection | None = None

    def transact(self, work: Callable[[Connection], ResultT]) -> ResultT:
        """Runs `work` in one transaction under the check of the claim, and returns its result. Raises `InventoryError`."""
        began = time.monotonic()
        for attempt in itertools.count():
            try:
                return self._attempt(work)
            except (Unreachable, Conflict, Refused) as error:
                self._wait(error, attempt, time.monotonic() - began)
            except LostClaim as error:
                self._totals.refused_writes += 1
                raise InventoryError(str(error), error_kind="lost") from error
            except LostWrites as error:
                self._totals.confirmed = 0  # told once
                raise WritesLost(str(error), error_kind="database") from error
            except StoreError as error:
                raise InventoryError(f"the results cannot be stored: {error}", error_kind="database") from error
        raise AssertionError("unreachable")

    def _wait(self, error: StoreError, attempt: int, waited: float) -> None:
        """Waits before the next try. Raises `InventoryError` when there is none: an outage is waited out for `grace`, an answer is not."""
        if attempt >= len(RETRY_SECONDS):
            if not isinstance(error, Unreachable):
                raise InventoryError(f"the results cannot be stored: {error}", error_kind="database") from error
            if waited >= self._grace():
                raise Unanswered(f"the results cannot be stored: {error}", error_kind="database") from error
        reason = "conflict" if isinstance(error, Conflict) else "unreachable"
        self._totals.retries[reason] = self._totals.retries.get(reason, 0) + 1
        time.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])

    def _attempt(self, work: Callable[[Connection], ResultT]) -> ResultT:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        with transaction(self._connection):
            claims.check(self._connection, self._owner, self._claimed, self._totals.confirmed)
            return work(self._connection)

    def ended_as(self, verdict: Verdict) -> bool:
        """True when the claim is not ours any more because this run has given it back: the connection broke after the commit."""
        assert self._connection is not None
        return claims.ended_as(self._connection, self._claimed, verdict)

    def close(self) -> None:
        """Closes the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
