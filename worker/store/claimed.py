"""The connection of a run: each transaction begins with the check of the run's claim, and is tried again after a passing fault."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from worker.run.inventory import InventoryError, Totals
from worker.run.outcome import Verdict
from worker.run.queue import Claimed
from worker.store import claims
from worker.store.connection import Connection, transaction
from worker.store.errors import Conflict, LostClaim, StoreError, Unreachable

RETRY_SECONDS = (0.2, 1.0, 4.0)
"""Before a transaction that met a broken connection or a conflict is tried again; all that it does may be done twice."""

ResultT = TypeVar("ResultT")


class ClaimedConnection:
    """Used by the thread of one run."""

    def __init__(self, connect: Callable[[], Connection], owner: str, claimed: Claimed, totals: Totals) -> None:
        """`owner` holds the claim; retries and refused writes are counted in `totals`."""
        self._connect, self._owner, self._claimed, self._totals = connect, owner, claimed, totals
        self._connection: Connection | None = None

    def transact(self, work: Callable[[Connection], ResultT]) -> ResultT:
        """Runs `work` in one transaction under the check of the claim, and returns its result. Raises `InventoryError`."""
        for seconds in (*RETRY_SECONDS, None):
            try:
                return self._attempt(work)
            except (Unreachable, Conflict) as error:
                if seconds is None:
                    raise InventoryError(f"the results cannot be stored: {error}", error_kind="database") from error
                reason = "conflict" if isinstance(error, Conflict) else "unreachable"
                self._totals.retries[reason] = self._totals.retries.get(reason, 0) + 1
                time.sleep(seconds)
            except LostClaim as error:
                self._totals.refused_writes += 1
                raise InventoryError(str(error), error_kind="lost") from error
            except StoreError as error:
                raise InventoryError(f"the results cannot be stored: {error}", error_kind="database") from error
        raise AssertionError("unreachable")

    def _attempt(self, work: Callable[[Connection], ResultT]) -> ResultT:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        with transaction(self._connection):
            claims.check(self._connection, self._owner, self._claimed)
            return work(self._connection)

    def ended_as(self, verdict: Verdict) -> bool:
        """True when the claim is not ours any more because this run has given it back: the connection broke after the commit."""
        assert self._connection is not None
        return claims.ended_as(self._connection, self._claimed, verdict)

    def close(self) -> None:
        """Closes the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
