"""Retention: deletes what is kept no longer, a batch at a time, so that no statement takes long and no request waits."""

from __future__ import annotations

import msgspec

from worker.run.queue import Cleaned
from worker.store import ledger_chains, lifecycle, releases, scopes, statements
from worker.store.connection import Connection, transaction

RUNS, LINES = 2_000, 10_000
"""Most runs, and most lines of their ledgers, in one batch: a batch takes about a tenth of a second."""

ROWS, ENTITIES = 5_000, 500
"""Most changes or lines of the audit log, and most entities, whose links and history go with them, in one batch."""

COUNTS, SPARE = 50_000, 1_000
"""Most rows of counts that are added up at once, and so many more rows than groups there may be before they are."""

JOBS = 100
"""Most deleted jobs whose rows one batch removes."""

DELIVERIES_KEPT = 30
"""Days for which deliveries of webhooks are kept, whatever became of them."""

LOGS_KEPT = 14
"""Days for which logs of runs and syncs are kept; their outcomes and ledgers are kept as history is."""

DURATIONS_KEPT = 366
"""Days whose durations of runs are kept: a row for each provider and step of duration that occurs."""

SCOPES = 20
"""Most abandoned scopes that one batch retires."""

FOREVER = 100_000
"""Days, for what is kept for ever."""


class Kept(msgspec.Struct, frozen=True):
    """Days for which rows are kept; 0: for ever."""

    history: int = 0
    changes: int = 0
    audit: int = 0
    deleted_entities: int = 0
    abandoned_scopes: int = 0
    """Days for which abandoned scopes are kept before they are retired."""
    workers: int = 7
    """Days for which a worker is remembered that is not seen any more."""


def clean(connection: Connection, kept: Kept) -> Cleaned:
    """Deletes a batch of each kind: runs (those of deleted jobs too), changes, audit lines, deleted entities, deliveries, logs, workers.

    Adds up the counts of entities and runs as well, and takes what they repeat out of the ledgers of runs that ended a day ago.
    Each job's latest run, its latest complete run, runs that hold something back, and runs that have left links unresolved are always kept.
    Raises `StoreError`.
    """
    runs = _runs(connection, kept.history)
    more_jobs = _jobs(connection)
    repeated, more_ledgers = ledger_chains.extend(connection)
    _add_up(connection)
    retired = lifecycle.retire_old(connection, kept.abandoned_scopes, SCOPES).scopes if kept.abandoned_scopes else 0
    batches = {
        "changes": (statements.get("delete_old_changes"), kept.changes, ROWS),
        "created": (statements.get("delete_old_created"), kept.changes, ROWS),
        "audit": (statements.get("delete_old_audit"), kept.audit, ROWS),
        "deleted_entities": (statements.get("delete_gone_entities"), kept.deleted_entities, ENTITIES),
        "webhook_deliveries": (statements.get("delete_old_deliveries"), DELIVERIES_KEPT, ROWS),
        "run_logs": (statements.get("delete_old_run_logs"), LOGS_KEPT, RUNS),
        "sync_logs": (statements.get("delete_old_sync_logs"), LOGS_KEPT, RUNS),
        "workers": (statements.get("forget_workers"), kept.workers, ROWS),
    }
    rows = {what: _delete(connection, query, days, limit) for what, (query, days, limit) in batches.items()}
    more = runs.more or more_jobs or more_ledgers or retired == SCOPES
    return Cleaned(
        runs.rows | rows | {"repeated_ledger_lines": repeated, "retired_scopes": retired},
        more or any(rows[what] >= limit for what, (_, _, limit) in batches.items()),
    )


def _add_up(connection: Connection) -> None:
    """Adds up the counts of entities, runs and durations, each in a transaction of its own."""
    counts = (
        statements.get("add_up_counts"),
        statements.get("add_up_organizations"),
        statements.get("add_up_runs"),
        statements.get("add_up_durations"),
    )
    for add_up in counts:
        with transaction(connection):
            connection.execute(add_up, {"limit": COUNTS, "spare": SPARE})
    with transaction(connection):
        connection.execute(statements.get("delete_old_durations"), {"days": DURATIONS_KEPT})


def _runs(connection: Connection, days: int) -> Cleaned:
    with transaction(connection):
        values = {"limit": RUNS, "days": days or FOREVER}
        runs = [run for (run,) in connection.execute(statements.get("lock_doomed_runs"), values)]
        ledger_chains.hand_on(connection, runs)
        lines = connection.execute(statements.get("delete_ledger_lines"), {"runs": runs, "lines": LINES}).rowcount
        deleted = connection.execute(statements.get("delete_runs"), {"runs": runs}).rowcount
    return Cleaned({"runs": deleted, "ledger_lines": lines}, len(runs) == RUNS or lines == LINES or deleted < len(runs))


def _jobs(connection: Connection) -> bool:
    """Deletes the rows of deleted jobs whose runs are gone, once others own what they see of them; returns whether there may be more."""
    with transaction(connection):
        jobs = [job for (job,) in connection.execute(statements.get("lock_deleted_jobs"), {"limit": JOBS})]
        more = lifecycle.hand_over(connection, [scopes.job_owner(job) for job in jobs])
        if not more:
            connection.execute("delete from discovery_jobs where id = any(%s)", [jobs])
    return more or len(jobs) == JOBS


def _delete(connection: Connection, query: bytes, days: int, limit: int) -> int:
    if not days:
        return 0
    with transaction(connection):
        row = connection.execute(query, {"days": days, "limit": limit, "undone_within": releases.KEPT}).fetchone()
    return int(row[0]) if row else 0
