"""Retention: deletes runs that are kept no longer, a batch at a time, so that no statement takes long and no request waits."""

from __future__ import annotations

from worker.store import statements
from worker.store.connection import Connection, transaction

RUNS, LINES = 2_000, 10_000
"""Most runs, and most lines of their ledgers, in one batch: a batch takes about a tenth of a second."""

FOREVER = 100_000
"""Days, for a history that is kept for ever."""


def clean(connection: Connection, days: int) -> bool:
    """Deletes a batch of runs of deleted jobs, and of runs older than `days` (0: none of those); true when there may be more.

    Each job's latest run and its latest complete run are always kept. Raises `StoreError`.
    """
    with transaction(connection):
        values = {"limit": RUNS, "days": days or FOREVER}
        runs = [run for (run,) in connection.execute(statements.get("lock_doomed_runs"), values)]
        lines = connection.execute(statements.get("delete_ledger_lines"), {"runs": runs, "lines": LINES}).rowcount
        deleted = connection.execute(statements.get("delete_runs"), {"runs": runs}).rowcount
        connection.execute(statements.get("delete_jobs"))
    return len(runs) == RUNS or lines == LINES or deleted < len(runs)
