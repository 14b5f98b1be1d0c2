"""Programs and libraries of npm that tests run: installed once, kept in .cache."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import tempfile

from peers.absent import missing
from peers.kept import CACHE, alone

NPM = CACHE / "npm"


def installed(package: str, version: str, folder: str, purpose: str) -> pathlib.Path:
    """The folder `node_modules` with a package in it; installed when it is not there, which may take half a minute."""
    kept = NPM / f"{folder}-{version}"
    with alone(NPM):
        if not kept.exists():
            _install(f"{package}@{version}", kept, purpose)
    return kept / "node_modules"


def _install(wanted: str, kept: pathlib.Path, purpose: str) -> None:
    if not shutil.which("npm"):
        missing(f"npm is not installed: it installs {wanted}, {purpose}")
    part = tempfile.mkdtemp(dir=kept.parent)
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", part, wanted]
    done = subprocess.run(command, cwd=part, capture_output=True, text=True, timeout=540, check=False)
    if done.returncode:
        missing(f"npm cannot install {wanted}: {done.stderr.strip()[-300:]}")
    pathlib.Path(part).rename(kept)
