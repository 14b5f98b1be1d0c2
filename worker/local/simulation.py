"""The demo's simulated AWS account, a process beside the others: where it answers, and what can be done to it from outside."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from worker.local.postgres import EmbeddedError

NAME = "simulation"
COMMAND = ("providers.aws.simulation",)
_READY = "simulated AWS account at "


def forget(folder: Path) -> None:
    """Removes the log of an earlier start: that account's address is in it."""
    _log(folder).unlink(missing_ok=True)


def address(folder: Path) -> str:
    """The URL of the simulated account whose demo has its data in `folder`; empty while it is not ready."""
    try:
        whole_lines = _log(folder).read_text(errors="replace").rpartition("\n")[0]
    except FileNotFoundError:
        return ""
    return next((line.removeprefix(_READY) for line in whole_lines.splitlines() if line.startswith(_READY)), "")


def terminate_instances(folder: Path, region: str) -> int:
    """Terminates all instances of a region of the simulated account; returns their number. Raises `EmbeddedError`."""
    url = address(folder)
    if not url:
        raise EmbeddedError(f"no demo has its data in {folder}: start it with 'make demo', or name its folder with --data")
    command = [sys.executable, "-m", *COMMAND, "--at", url, "--terminate", region]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it wrote nothing"])[-1]
        raise EmbeddedError(f"the simulated account at {url} did not do it; does the demo still run? {reason}")
    return int(done.stdout)


def _log(folder: Path) -> Path:
    return folder / "logs" / f"{NAME}.log"
