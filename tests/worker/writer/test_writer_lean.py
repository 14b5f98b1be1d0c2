"""What the writer's process loads: it lives as long as the worker, and each package costs megabytes."""

from __future__ import annotations

import subprocess
import sys

NOT_NEEDED = {
    "urllib3",
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


def test_the_writer_loads_no_package_of_another_process():
    code = "import worker.writer.process, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout.split()
    assert "psycopg" in loaded
    assert NOT_NEEDED.isdisjoint(loaded)
