"""The names of all tests, for the pages that name one for each promise."""

from __future__ import annotations

import pathlib
import re

TESTS = pathlib.Path(__file__).parent.parent


def all_tests() -> set[str]:
    """The names of all test functions, those of inherited suites (`tests/harness`) among them."""
    files = (path for pattern in ("test_*.py", "*_suite.py") for path in TESTS.rglob(pattern))
    return {name for path in files for name in re.findall(r"^ *def (test_\w+)", path.read_text(), re.MULTILINE)}
