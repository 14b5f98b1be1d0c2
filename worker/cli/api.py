"""``elder-worker api``: serves the Elder API."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from importlib.metadata import entry_points

from worker.config.settings import load


def main(_options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Serves the Elder API. The worker does not import it, and finds it by its entry point; another package's of that name is not it."""
    service = next(point for point in entry_points(group="elder_worker.services", name="api") if point.module == "api.server")
    return int(service.load()(load(environ)))
