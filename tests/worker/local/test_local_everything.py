"""``elder-worker up --demo``: what `make demo` starts, and what is there when it is started again."""

from __future__ import annotations

import pytest
from everything import Everything


@pytest.mark.timeout(900)
def test_a_second_start_finds_the_same_account(tmp_path):
    """Its data, its job, and the ids that the simulated account has made up: nothing is new, and nothing gone."""
    first = Everything(tmp_path, 1, "--demo")
    try:
        words = first.output()
        assert "entities" in words
        before = first.ids()
        assert len(before) > 300
    finally:
        first.stop()

    second = Everything(tmp_path, 2, "--demo")
    try:
        assert ", 0 of them new" in second.output()
        assert second.ids() == before
    finally:
        second.stop()
