"""Entries of processes that know the hostile provider. It is in no registry of the product: these put it there, in their own process."""

from __future__ import annotations

import os
import signal
import threading

from providers import registry


def add_hostile():
    registry.BUILT_IN["hostile"] = "providers.hostile:Hostile"


def job(start: bytes, control: int, data: int) -> int:
    """As `worker.job.entry:main`."""
    from worker.job.entry import main

    add_hostile()
    return main(start, control, data)


def writer(control: int, settings: int, once: bool = False, job: int | None = None) -> int:
    """As `worker.writer:main`; a connectivity test may last HOSTILE_TEST_SECONDS, if that is set."""
    from worker.writer import discovery, main
    from worker.writer.dispatcher import Limits

    if seconds := os.environ.get("HOSTILE_TEST_SECONDS"):
        discovery.TEST_LIMITS = Limits(wall=float(seconds), idle=float(seconds))
    signal.signal(signal.SIGUSR1, get_stuck)
    add_hostile()
    return main(control, settings, once, job)


def get_stuck(*_):
    """The main thread does nothing any more."""
    threading.Event().wait()
