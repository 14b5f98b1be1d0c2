"""``make bench``: one table. The figures are of this machine and of this run; the ratios are what can be compared."""

from __future__ import annotations

import compileall
import contextlib
import os
import pathlib
import platform
import sys
import tempfile
from collections.abc import Iterator

from bench import ROOT, clouds, ingest, memory, pages, processes, scans, sources, syncs

FULL = {"rows": 200_000, "kills": 200, "starts": 40}


@contextlib.contextmanager
def installation() -> Iterator[None]:
    """As an installation has it: byte code of ours, and no `rich` or `chardet`, which the tests' tools bring along.

    structlog loads the one and requests the other where they are.
    """
    for package in ("api", "providers", "supervisor", "worker"):
        compileall.compile_dir(ROOT / package, quiet=2)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("rich", "chardet"):
            pathlib.Path(folder, f"{name}.py").write_text("raise ImportError\n")
        os.environ["PYTHONPATH"] = folder
        yield


def main() -> int:
    """Measures and prints."""
    print(f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}\n")
    parts = (
        lambda: ingest.measure(FULL["rows"]),
        lambda: processes.kills(FULL["kills"]),
        lambda: processes.job_start(FULL["starts"]),
        sources.measure,
        lambda: processes.worker(FULL["starts"]),
        memory.measure,
        scans.measure,
        clouds.measure,
        syncs.measure,
        pages.measure,
    )
    width = (52, 44, 16)
    print(f"{'what':<{width[0]}} {'ours':<{width[1]}} {'limit':<{width[2]}} instead")
    with installation():
        for part in parts:
            for what, ours, limit, instead in part():
                print(f"{what:<{width[0]}} {ours:<{width[1]}} {limit:<{width[2]}} {instead}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
