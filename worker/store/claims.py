"""Claims: leases with a fencing token on jobs. All times are the database's; every write checks owner and token.

One statement claims a job. Its token grows with each claim, so that a holder that slept through the end of its lease is distinguished
from the holder that took over. A claim whose lease has ended is swept: its run ends as ``lost`` and its job is due again, or is parked
after too many crashes in a row.
"""

from __future__ import annotations

import random
from typing import Any
from uuid import UUID

import msgspec

from providers import expiry
from providers.records import Identity
from worker.run.outcome import RunLog, Status, Verdict
from worker.run.queue import Abilities, Claimed, Swept
from worker.store import run_logs, schedules, scopes, statements
from worker.store.connection import Connection, guarded, transaction
from worker.store.errors import LostClaim, LostWrites
from worker.store.jobs import WAKE
from worker.store.query import one

PARKED_AFTER = 3
"""Crashes in a row after which a job is parked."""

DEATHS = 5
"""Deaths of its worker in a row from which on each counts as a crash of the job: before, a bad machine is likelier than a bad job."""

CRASHES = frozenset({"crashed", "memory", "protocol"})
"""Error kinds that count as a crash of the job; ``lost`` counts only when the worker is gone, not when the database was unreachable."""

NOT_RETRIED = frozenset({"config", "credentials"})
"""Error kinds that a retry cannot cure; the job waits for its schedule or for a person."""

JITTER = 0.05
"""Share of an interval by which the next run is shifted, so that jobs created together drift apart."""

FIRST_RETRY, LONGEST_RETRY, RETRIES = 60, 3600, 3
"""First and longest wait in seconds before a failed run is retried, doubling; a job without a schedule is retried `RETRIES` times."""


def claim(
    connection: Connection, owner: str, worker: str, ttl: float, limit: int, job: int | None = None, abilities: Abilities | None = None
) -> list[Claimed]:
    """Claims up to `limit` due jobs (or that one, due or not), each with a running row in the history. Raises `StoreError`."""
    with transaction(connection):
        values: dict[str, Any] = {"owner": UUID(owner), "ttl": ttl, "limit": limit, "job": job, "worker": worker}
        values |= {"providers": list(abilities.providers) if abilities else None, "queues": list(abilities.queues) if abilities else None}
        rows = connection.execute(statements.get("claim"), values).fetchall()
        return [msgspec.structs.replace(Claimed(*row), attempted=scopes.attempted(connection, scopes.job_owner(row[0]))) for row in rows]


def check(connection: Connection, owner: str, claimed: Claimed, confirmed: int = 0) -> None:
    """Locks the claim for the transaction: it can be renewed meanwhile, but not swept.

    Raises `LostClaim` when it is not ours, and `LostWrites` when the database knows of fewer resources of the run than it has `confirmed`.
    """
    row = connection.execute(statements.get("check_claim"), _claim_values(owner, claimed)).fetchone()
    if row is None:
        raise LostClaim(f"the claim on job_id: {claimed.job_id} was lost: another worker has taken over")
    if row[0] < confirmed:
        raise LostWrites(
            f"the database has lost what it had confirmed: it knows of {row[0]} resources of this run, and had stored {confirmed}; "
            "it has crashed, was restored, or a standby that lagged has taken over; the next run stores them again"
        )


def take_unresolved_links(connection: Connection, claimed: Claimed, organization: int) -> bool:
    """True when an earlier run did not conclude itself: it may have stored links whose targets nobody has looked for since.

    Runs of the job and of the organization's other jobs; whoever takes them up resolves them in the same transaction.
    """
    values = {"job": claimed.job_id, "run": claimed.run_id, "organization": organization}
    row = connection.execute(statements.get("take_unresolved_links"), values).fetchone()
    return bool(row and row[0])


def renew(connection: Connection, owner: str, ttl: float, held: list[Claimed]) -> tuple[set[int], set[int]]:
    """Renews leases; returns the runs that are still ours and the runs that a person cancelled. Raises `StoreError`."""
    values = {
        "owner": UUID(owner),
        "ttl": ttl,
        "jobs": [c.job_id for c in held],
        "tokens": [c.token for c in held],
        "runs": [c.run_id for c in held],
    }
    with transaction(connection):
        rows = connection.execute(statements.get("renew"), values).fetchall()
    return {run for run, _ in rows}, {run for run, cancelled in rows if cancelled}


def release(connection: Connection, owner: str, claimed: Claimed, log: RunLog | None = None) -> None:
    """Returns a job to the queue as if not claimed, or ends it when cancelled. Inside a transaction that has checked the claim."""
    values = _claim_values(owner, claimed)
    if connection.execute("select from discovery_jobs where id = %(job)s and cancel_requested", values).fetchone() is not None:
        finish(connection, owner, claimed, Verdict(Status.CANCELLED, error="the run was cancelled", log=log))
        return
    connection.execute("delete from discovery_history where id = %(run)s and status = 'running'", values)
    connection.execute("update discovery_jobs set status = 'pending', next_run_at = least(next_run_at, now()) where id = %(job)s", values)
    connection.execute(statements.get("unclaim"), values)
    connection.execute(WAKE)


def finish(connection: Connection, owner: str, claimed: Claimed, verdict: Verdict) -> None:
    """Stores how the run ended and when the job is due again; once, as the transaction has checked the claim."""
    values: dict[str, Any] = {
        **_claim_values(owner, claimed),
        "status": verdict.status.value,
        "error_kind": verdict.error_kind,
        "error": _text(verdict.error) or None,
        "detail": _text(verdict.detail) or None,
        "failed": verdict.status is Status.ERROR,
        "crashed": verdict.error_kind in CRASHES,
        "retried": verdict.status is Status.ERROR and verdict.error_kind not in NOT_RETRIED,
        "at_once": verdict.error_kind == "lost",
        "cut_off": verdict.error_kind == "timeout",
        "jitter": 1 + random.uniform(-JITTER, JITTER),  # noqa: S311 - not a secret
        "parked_after": PARKED_AFTER,
        "first": FIRST_RETRY,
        "longest": LONGEST_RETRY,
        "retries": RETRIES,
    }
    connection.execute(statements.get("finish_run"), values)
    if verdict.log is not None:
        run_logs.put(connection, claimed.run_id, verdict.log)
    due_now = connection.execute(statements.get("reschedule"), values).fetchone()
    schedules.plan(connection, claimed.job_id)
    connection.execute(statements.get("unclaim"), values)
    if due_now == (True,):
        connection.execute(WAKE)


def finish_later(connection: Connection, owner: str, claimed: Claimed, verdict: Verdict) -> Verdict:
    """Stores how a run ended that could not do so itself; a later run resolves its links and abandons what the plan leaves out.

    Returns the verdict as stored: a run is not complete when the database has lost what it had confirmed to it. Raises `LostClaim`.
    """
    try:
        check(connection, owner, claimed, verdict.confirmed)
    except LostWrites as error:
        if verdict.carried_out:
            verdict = Verdict(Status.ERROR, "database", str(error), verdict.detail, log=verdict.log)
    finish(connection, owner, claimed, verdict)
    connection.execute("update discovery_history set links_unresolved = true where id = %s", [claimed.run_id])
    return verdict


def pin(connection: Connection, job: int, identity: Identity) -> None:
    """Pins the account, tenant, cluster or directory that the job reads, unless one is pinned already."""
    connection.execute(statements.get("pin"), {"job": job, "identity": identity.account, "place": identity.place})


def put_credential(connection: Connection, job: int, identity: Identity) -> None:
    """Stores when the credential ends that the job signs in with; of one that does not say, that it is not known."""
    connection.execute(statements.get("put_credential"), {"job": job, "ends": expiry.of_details(identity.details)})


def pinned_elsewhere(connection: Connection, job: int, identity: str, place: str) -> dict[str, Any] | None:
    """Another job (`id`, `name`) that has read the identity at another `place`, when `job` has read none and no person has accepted it."""
    return one(connection, statements.get("pinned_elsewhere"), {"job": job, "identity": identity, "place": place})


def accept_identity(connection: Connection, job: int) -> str | None:
    """Unpins the job, so that its next complete run pins it anew; what it was pinned to, or None when there is no such job."""
    with transaction(connection):
        row = connection.execute("select coalesce(identity, '') from discovery_jobs where id = %s for update", [job]).fetchone()
        accepted = "identity = null, identity_place = '', identity_accepted = true, next_run_at = now()"
        connection.execute(f"update discovery_jobs set {accepted} where id = %s", [job])
        connection.execute(WAKE)
    return str(row[0]) if row else None


def ended_as(connection: Connection, claimed: Claimed, verdict: Verdict) -> bool:
    """True when the run is stored with this verdict, which only its own holder can have written. Raises `StoreError`."""
    with guarded():
        row = connection.execute("select status, error_kind from discovery_history where id = %s", [claimed.run_id]).fetchone()
    if verdict.status is Status.RELEASED:
        return row is None
    return row == (verdict.status.value, verdict.error_kind)


def sweep(connection: Connection, overdue: float = 0.0) -> list[Swept]:
    """Ends runs whose lease ended `overdue` seconds ago and wakes the workers; also returns runs swept by the API. Raises `StoreError`."""
    with transaction(connection):
        rows = _sweep(connection, overdue) + connection.execute(statements.get("take_swept")).fetchall()
        found = connection.execute(statements.get("lasted"), [[row[1] for row in rows]]).fetchall() if rows else []
    lasted = {run: (seconds, worker) for run, seconds, worker in found}
    return [Swept(*row, *lasted.get(row[1], ())) for row in rows]


def sweep_uncounted(connection: Connection, overdue: float = 0.0) -> None:
    """Sweeps on behalf of a process that counts no runs; the next worker that sweeps counts them. Raises `StoreError`."""
    with transaction(connection):
        if rows := _sweep(connection, overdue):
            connection.cursor().executemany(statements.get("leave_swept"), rows)


def _sweep(connection: Connection, overdue: float) -> list[tuple[Any, ...]]:
    values = {"parked_after": PARKED_AFTER, "deaths": DEATHS, "overdue": overdue}
    rows = connection.execute(statements.get("sweep"), values).fetchall()
    schedules.plan_all(connection)
    if rows:
        connection.execute(WAKE)
    return rows


def unpark(connection: Connection, job: int) -> bool:
    """Makes a parked job due now; returns false when it is not parked. Raises `StoreError`."""
    with transaction(connection):
        row = connection.execute(statements.get("unpark"), [job]).fetchone()
        connection.execute(WAKE)
    return row is not None


def _claim_values(owner: str, claimed: Claimed) -> dict[str, Any]:
    return {"owner": UUID(owner), "job": claimed.job_id, "run": claimed.run_id, "token": claimed.token}


def _text(text: str) -> str:
    """Replaces what PostgreSQL refuses in text: NUL and lone surrogates."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
