"""``make soak``: the long runs. One table, each figure beside its bar; the exit code says whether all were held.

A part is a function of a count that returns rows. ``python -m bench.soak --only kills,races --scale 0.1`` runs two of them, at a tenth.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import os
import platform
import signal
import subprocess
import sys
import time

from bench import ROOT
from bench.part import Row, allowance

PARTS = {
    "kills": ("bench.soak_kills:kills", 1_000),
    "at_once": ("bench.soak_kills:at_once", 50),
    "orphaned": ("bench.soak_kills:orphaned", 200),
    "fuzz": ("bench.soak_frames:fuzz", 100_000),
    "neighbours": ("bench.soak_streams:neighbours", 10),
    "cycles": ("bench.soak_cycles:cycles", 10_000),
    "races": ("bench.soak_cycles:races", 10_000),
    "claimers": ("bench.soak_database:claimers", 100_000),
    "interleavings": ("bench.soak_database:interleavings", 10_000),
    "histories": ("bench.soak_histories:histories", 10_000),
    "ledgers": ("bench.soak_ledgers:ledgers", 365),
    "rescue": ("bench.soak_rescue:rescue", 10),
    "lists": ("bench.soak_lists:lists", 10),
    "week": ("bench.soak_cycles:week", 100_000),
}
"""Name -> (function, how often in full)."""


def run(name: str, scale: float = 1.0) -> list[Row]:
    """The rows of one part."""
    path, full = PARTS[name]
    module, _, function = path.partition(":")
    rows: list[Row] = getattr(importlib.import_module(module), function)(max(1, round(full * scale)))
    return rows


def main() -> int:
    """Runs and prints."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas; all: %(default)s")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full counts")
    parser.add_argument("--minutes", type=float, help="that a part may take; it then tells how far it came")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # servers and processes of a part end with it
    print(f"{_where()}\n\n| part | what | measured | bar | held | took |\n|---|---|---|---|---|---|", flush=True)
    held = True
    for name in options.only.split(","):
        began = time.monotonic()
        allowance.grant(options.minutes)
        rows = run(name, options.scale)
        took = f"{time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f}"
        for part, spent, row in zip((name, *[""] * len(rows)), (took, *[""] * len(rows)), rows, strict=False):
            print(f"| {part} | {row.what} | {row.measured} | {row.bar} | {'yes' if row.held else '**no**'} | {spent} |", flush=True)
            held &= row.held
    return 0 if held else 1


def _where() -> str:
    """When, on what, and which state of the code."""
    version = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    now = dt.datetime.now(dt.UTC)
    return f"{now:%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores (load {os.getloadavg()[0]:.1f}), Linux {platform.release()}, Python {platform.python_version()}, {version}"


if __name__ == "__main__":
    sys.exit(main())
