"""What a test does when the software that it runs against is not there: it says so and is skipped; in CI, it fails."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(sentence: str) -> NoReturn:
    """Skips with that sentence; where CI is set, nothing is skipped."""
    if os.environ.get("CI"):
        pytest.fail(sentence)
    pytest.skip(sentence)
