"""Chains of ledgers: a run keeps only the lines that differ from those of the runs before it.

A job of 500 scopes that runs every five minutes ends with nearly the same ledger each time. Each run has all its lines for a day; after
that it joins the chain of its job: a scope's line is the newest that a run of the chain has, up to the run that is asked for. The view
`elder_worker.run_ledgers` shows every ledger whole.
"""

from __future__ import annotations

from collections.abc import Sequence

from worker.store import statements
from worker.store.connection import Connection, transaction

HOURS, RUNS = 24, 25
"""Hours for which a run has all its lines, and most runs in one batch: a batch of 500 scopes each takes about a fifth of a second."""

LONGEST = 250
"""Most runs of one chain, all of which are looked at to show a ledger."""


def extend(connection: Connection) -> tuple[int, bool]:
    """Adds a batch of runs to the chains; how many lines were superfluous, and whether there may be more runs. Raises `StoreError`."""
    with transaction(connection):
        runs = connection.execute(statements.get("lock_not_compared"), {"hours": HOURS, "limit": RUNS}).fetchall()
        return sum(_extend(connection, *run) for run in runs), len(runs) == RUNS


def _extend(connection: Connection, run: int, job: int, whole: bool) -> int:
    chain = connection.execute(statements.get("lock_chain"), {"job": job, "run": run}).fetchone()
    values = {"run": run, "chain": chain[0] if chain else 0, "whole": whole, "longest": LONGEST}
    row = connection.execute(statements.get("add_to_chain"), values).fetchone()
    return int(row[0]) if row else 0


def hand_on(connection: Connection, runs: Sequence[int]) -> None:
    """Gives what later runs of the chains need of these runs to them. Inside the transaction that deletes the runs, which are locked."""
    connection.execute(statements.get("hand_on_lines"), {"runs": runs})
