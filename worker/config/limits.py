"""How many jobs run at once and how much memory each may use, from the settings, the container's limit, and what the providers need.

This is the one place where these limits are clamped; the supervisor, the writer and the health page are given its results.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from worker.config.environment import SettingsError
from worker.config.settings import Settings
from worker.config.sources import SourceSettings

RESERVE_MB = 160
"""Memory for supervisor, writer and http together, with room to breathe."""

DEFAULT_JOB_MB = 512
"""Cap on a job where neither the settings nor the container say otherwise."""

LEAST_JOB_MB = 64
"""Memory without which no provider's job can run."""


class Limits(msgspec.Struct, frozen=True):
    """The limits in force. `settings` are those that were given, with what does not fit reduced and the reasons in `warnings`."""

    settings: Settings
    memory_mb: int
    """Cap on one job."""
    budget_mb: int | None
    """Memory of all jobs together; None where the container has no limit."""


def limits(settings: Settings, container_mb: int | None) -> Limits:
    """The limits in a container of that size. Raises `SettingsError` when it is too small, or the settings ask for more than there is.

    A cap must bite below the container's limit, or the kernel ends the whole container. Where the settings name no cap, it is large
    enough for the providers that may run here, and fewer jobs run at once if need be.
    """
    if container_mb is None:
        return Limits(settings, settings.discovery_job_memory_mb or DEFAULT_JOB_MB, None)
    budget = container_mb - RESERVE_MB
    if budget < LEAST_JOB_MB:
        complaint = (
            f"the container's limit of {container_mb} MB has no room for a job: the worker takes up to {RESERVE_MB} MB and a job at least "
            f"{LEAST_JOB_MB} MB: give it {RESERVE_MB + LEAST_JOB_MB} MB or more"
        )
        raise SettingsError((complaint,))
    cap = _cap(settings, container_mb, budget)
    return Limits(_reduced(settings, container_mb, budget // cap, cap), cap, budget)


def _cap(settings: Settings, container_mb: int, budget: int) -> int:
    wanted = settings.discovery_job_memory_mb
    if wanted is None:
        share = min(DEFAULT_JOB_MB, budget // sum(_slots(settings)))
        return min(budget, max(share, _need(settings)))
    if wanted > budget:
        complaint = (
            f"DISCOVERY_JOB_MEMORY_MB is {wanted}, and the container's limit of {container_mb} MB leaves {budget} MB for jobs: "
            f"set it to {budget} or less, or give the container {wanted + RESERVE_MB} MB"
        )
        raise SettingsError((complaint,))
    return wanted


def _reduced(settings: Settings, container_mb: int, room: int, cap: int) -> Settings:
    """The settings with as many slots as there is room for, and warnings that say so."""
    discovery, connectors = _slots(settings)
    warnings = list(_too_small(settings, cap))
    changes: dict[str, int] = {}
    if room < discovery + connectors:
        fewer = max(1, round(room * connectors / (discovery + connectors))) if connectors else 0
        changes = {"discovery_max_concurrent": max(1, min(discovery, room - fewer))}
        changes |= {"connector_max_concurrent": fewer} if fewer else {}
        warnings.append(
            f"the container's limit of {container_mb} MB has room for {room} jobs and syncs at once, of {cap} MB each, and not for the "
            f"{discovery + connectors} that are set: give it {RESERVE_MB + cap * (discovery + connectors)} MB, or lower "
            "DISCOVERY_MAX_CONCURRENT or CONNECTOR_MAX_CONCURRENT"
        )
    return msgspec.structs.replace(settings, warnings=(*settings.warnings, *warnings), discovery_job_memory_mb=cap, **changes)


def _too_small(settings: Settings, cap: int) -> Iterator[str]:
    small = [source.description for source in _running(settings) if source.description.memory_mb > cap]
    if small:
        needs = ", ".join(f"{one.title} {one.memory_mb} MB" for one in small)
        yield f"a job may use {cap} MB, and some providers need more ({needs}): their jobs may end with the error `memory`"


def _slots(settings: Settings) -> tuple[int, int]:
    """(discovery jobs, syncs) that may run at once: no more syncs than connectors that are switched on."""
    switched_on = sum(source.syncs for source in settings.sources.values())
    return settings.discovery_max_concurrent, min(settings.connector_max_concurrent, switched_on)


def _need(settings: Settings) -> int:
    """Returns the memory that the most demanding provider of this worker needs."""
    return max((source.description.memory_mb for source in _running(settings)), default=LEAST_JOB_MB)


def _running(settings: Settings) -> Iterator[SourceSettings]:
    """The providers that may run here: installed, and not switched off."""
    for source in settings.sources.values():
        if source.runs_jobs or (source.description.installed and source.syncs):
            yield source
