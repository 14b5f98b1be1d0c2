"""``elder-worker demo terminate-instances``: changes the simulated account of a demo that runs."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from worker.cli.main import CommandError
from worker.local import simulation
from worker.local.postgres import EmbeddedError

REGION = "us-west-2"


def main(options: argparse.Namespace, _: Mapping[str, str]) -> int:
    """Terminates the instances of one region, all at once: more than the guard against mass deletion lets pass."""
    try:
        terminated = simulation.terminate_instances(Path(options.data).resolve(), REGION)
    except EmbeddedError as error:
        raise CommandError(str(error)) from None
    print(f"{terminated} instances in {REGION} are terminated, in the simulated account only; their volumes are deleted with them")
    return 0
