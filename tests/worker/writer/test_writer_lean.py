"""What the writer's process loads: it lives as long as the worker, and each package costs megabytes."""

from __future__ import annotations

import subprocess
import sys

NOT_NEEDED = {
    "urllib3",
    "requests",
    "google",
    "opentelemetry",
    "flask",
    "gunicorn",
    "click",
    "cryptography",
    "multiprocess",
    "xmlrpc",
    "urllib.request",
    "supervisor.bootstrap",
    "providers.reader",
}
"""Packages and modules that belong to job processes, the API, the health server or the command line."""


TELEMETRY = """
import sys
from worker.config.settings import Settings
from worker.logs.redact import Redactor
from worker.writer import process
telemetry = process._telemetry(Settings(otel_enabled=%s), Redactor(), None)"""


def test_the_writer_loads_no_package_of_another_process():
    code = TELEMETRY % False + "; assert telemetry is None; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout.split()
    assert "psycopg" in loaded
    assert NOT_NEEDED.isdisjoint(loaded)


def test_the_sdk_is_loaded_where_it_is_switched_on():
    code = TELEMETRY % True + "; assert telemetry.traces; telemetry.close(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout.split()
    assert "opentelemetry.sdk.trace" in loaded
    assert "opentelemetry.propagate" not in loaded, "it loads what packages name as plug-ins"


def test_a_writer_that_may_not_load_the_sdk_goes_on_without():
    """Modules that a third party's package has brought are kept out, also those that it names as the SDK's."""
    code = "import sys; sys.modules['opentelemetry'] = None" + TELEMETRY % True + "; assert telemetry is None"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert "no telemetry is sent: the OpenTelemetry SDK cannot be used" in done.stdout
