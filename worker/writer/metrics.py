"""The numbers of discovery runs, under their public names. The supervisor keeps the counters, as it outlives the writer."""

from __future__ import annotations

from supervisor.metrics import Increment, Series
from worker.run.inventory import Totals
from worker.run.outcome import Verdict


def lifetime(provider: str) -> Series:
    """The histogram of how long the processes of a provider's jobs live."""
    return Series("discovery_job_duration_seconds", {"provider": provider})


def run_ended(provider: str, verdict: Verdict, totals: Totals) -> tuple[Increment, ...]:
    """The numbers that one discovery run adds to the counters."""
    labels = {"provider": provider, "status": str(verdict.status), "error_kind": verdict.error_kind}
    scopes = [
        Increment(name="discovery_scopes_total", labels={"outcome": outcome}, amount=number) for outcome, number in totals.outcomes.items()
    ]
    return (
        Increment(name="discovery_jobs_total", labels=labels),
        Increment(name="discovery_entities_total", amount=totals.resources),
        *scopes,
    )
