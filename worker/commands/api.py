"""``elder-worker api``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from worker.settings import load


def main(_options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Serves the Elder API."""
    from api.server import serve  # noqa: PLC0415 - Flask is loaded by who serves

    return serve(load(environ))
