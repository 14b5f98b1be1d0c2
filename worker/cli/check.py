"""``elder-worker check``: the connectivity test of the quick start."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from supervisor.plain import plain
from worker.check.transcript import check
from worker.config.packages import installed
from worker.config.settings import load
from worker.config.telemetry import require_extra
from worker.local import address

NAMED = frozenset({"ELDER_API_URL", "ELDER_API_URL_FILE"})
"""Variables of which one says where the API is."""


def main(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Prints one line for each service and source; 0 when everything that is enabled can be reached, else 1."""
    if NAMED.isdisjoint(name for name, value in environ.items() if value) and (found := _running(options.data)):
        environ = {**environ, "ELDER_API_URL": found}
    settings = load(environ, installed())
    require_extra(settings)
    return check(settings, options.timeout, as_json=options.json, verbose=options.verbose)


def _running(data: str) -> str:
    """The address of the API of a demo, or of another `up`, that runs in this folder; empty when there is none."""
    folder = Path(data).resolve()
    if found := address.find(folder):
        print(f"elder-worker: found what 'elder-worker up' runs with its data in {plain(str(folder))}: its API is {found}", file=sys.stderr)
    return found
