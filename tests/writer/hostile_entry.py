"""Entries of processes that know the hostile provider. It is in no registry of the product: these put it there, in their own process."""

from __future__ import annotations

from providers import registry


def add_hostile():
    registry.BUILT_IN["hostile"] = "providers.hostile:Hostile"


def job(start: bytes, control: int, data: int) -> int:
    """As `worker.job:main`."""
    from worker.job import main

    add_hostile()
    return main(start, control, data)
