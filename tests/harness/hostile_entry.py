"""Process entry points that register the hostile provider, which the product itself does not know."""

from __future__ import annotations

import os
import signal
import threading

from providers import registry


def add_hostile():
    registry.BUILT_IN["hostile"] = "providers.hostile:Hostile"


def job(start: bytes, control: int, data: int) -> int:
    """Runs `worker.job.entry:main` with the hostile provider registered."""
    from worker.job.entry import main

    add_hostile()
    return main(start, control, data)


def writer(control: int, settings: int, once: bool = False, job: int | None = None, **more: int) -> int:
    """Runs `worker.writer:main` with the hostile provider registered; HOSTILE_TEST_SECONDS limits a connectivity test."""
    import held_writes

    from worker.writer import discovery, main
    from worker.writer.dispatcher import Limits

    if seconds := os.environ.get("HOSTILE_TEST_SECONDS"):
        discovery.TEST_LIMITS = Limits(wall=float(seconds), idle=float(seconds))
    signal.signal(signal.SIGUSR1, get_stuck)
    add_hostile()
    held_writes.install()
    return main(control, settings, once, job, **more)


def get_stuck(*_):
    """Blocks the main thread for ever."""
    threading.Event().wait()
