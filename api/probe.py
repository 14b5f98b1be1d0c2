"""A connectivity test: a worker signs in with a job's config, in a killable process, while whoever asked waits."""

from __future__ import annotations

import threading
from typing import Any

from api import overlap
from api.context import Context
from api.errors import Unavailable
from worker.store import probes
from worker.store.connection import Connection

TEST_SECONDS = 75.0
"""Seconds to wait for a worker's answer; the worker itself ends a test after 60."""

WORKER_SEEN = 60.0
"""Seconds since a worker's last sign of life after which it is not counted on."""

AT_ONCE = 3
"""Tests that may wait at the same time: each holds a connection and a thread of the API."""

_waiting = threading.BoundedSemaphore(AT_ONCE)


def probe(context: Context, connection: Connection, job: dict[str, Any]) -> dict[str, Any]:
    """The worker's answer, with warnings. Raises `Unavailable` when there is no worker, or none answers."""
    if not probes.workers(connection, WORKER_SEEN):
        raise Unavailable("no worker is there to run the test: start one with 'docker-compose up -d worker' or 'elder-worker run'")
    if not probes.workers(connection, WORKER_SEEN, job["provider"]):
        raise Unavailable(f"no running worker has the provider {job['provider']} installed and switched on: none can run the test")
    if not _waiting.acquire(blocking=False):
        raise Unavailable(f"{AT_ONCE} tests are running: try again when one of them has ended")
    try:
        answer = probes.answer(connection, probes.ask(connection, job["provider"], job["config"]), TEST_SECONDS)
    finally:
        _waiting.release()
    if answer is None:
        raise Unavailable(f"no worker has answered within {TEST_SECONDS:g} s: look at its /status")
    return {**answer, "warnings": overlap.warnings(context, connection, job, (answer["identity"] or {}).get("account"))}
