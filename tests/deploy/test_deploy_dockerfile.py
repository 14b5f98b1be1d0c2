"""The Dockerfile, as hadolint reads it."""

from __future__ import annotations

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_hadolint_has_no_complaint():
    tool = pathlib.Path(sys.executable).parent / "hadolint"
    done = subprocess.run([str(tool), str(ROOT / "Dockerfile")], capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stdout) == (0, "")
