"""``elder-worker check``: the connectivity test of the quick start."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from worker.check.transcript import check
from worker.config.packages import installed
from worker.config.settings import load
from worker.config.telemetry import require_extra


def main(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Prints one line for each service and source; 0 when everything that is enabled can be reached, else 1."""
    settings = load(environ, installed())
    require_extra(settings)
    return check(settings, options.timeout, as_json=options.json, verbose=options.verbose)
