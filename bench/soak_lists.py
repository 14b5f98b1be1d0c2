"""Faults at every list of every provider, as `tests/providers/test_providers_lists.py` and `test_aws_lists.py` make them, for many more rounds."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from bench import ROOT
from bench.part import Row

TESTS = ("tests/providers/test_providers_lists.py", "tests/providers/aws/test_aws_lists.py")
SEED = 20261128


def lists(rounds: int) -> list[Row]:
    """A row for each provider, of what its test has printed; one that printed nothing has not held."""
    environ = {**os.environ, "LISTS_ROUNDS": str(rounds), "LISTS_SEED": str(SEED)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=7200", *TESTS]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    found = re.findall(r"^(\w+): (\d+ lists, .*?, (\d+) wrong)", done.stdout, re.MULTILINE)
    rows = [Row(f"{name}, {rounds} rounds", numbers, "0 wrong", wrong == "0") for name, numbers, wrong in found]
    return [*rows, Row("tests that failed", f"exit code {done.returncode}", "0", done.returncode == 0)]
