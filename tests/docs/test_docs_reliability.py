"""docs/reliability.md against the tests: each of the 94 experiments has its row and its tests, and every test that is named exists."""

from __future__ import annotations

import pathlib
import re

import pytest
from named_tests import all_tests

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "reliability.md").read_text()
GROUPS = {"A": 18, "B": 15, "C": 12, "D": 7, "E": 13, "F": 10, "G": 14, "H": 5}

ROWS = dict(re.findall(r"^\| ([A-H]\d+) \| (.*) \|$", TEXT, re.MULTILINE))


@pytest.mark.parametrize("number", [f"{group}{one}" for group, count in GROUPS.items() for one in range(1, count + 1)])
def test_each_experiment_has_a_row_and_a_test_with_its_number(number):
    named = re.findall(r"`(test_\w+)`", ROWS[number])
    wanted = f"test_{number[0].lower()}{int(number[1:]):02}_"
    assert [name for name in named if name.startswith(wanted)], f"{number} names no test of its own"


CASES = {"aws": 13, "k8s": 12, "az": 10, "gcp": 4, "dir": 9, "eng": 14, "sec": 9}
NOT_DONE: set[str] = set()
"""Cases without a test, which the page does not list."""


@pytest.mark.parametrize("case", [f"{group}-{one}" for group, count in CASES.items() for one in range(1, count + 1)])
def test_each_case_has_a_row_and_a_test_with_its_name(case):
    rows = re.findall(rf"^\| {case} \| (.*) \|$", TEXT, re.MULTILINE)
    assert len(rows) == (case not in NOT_DONE)
    named = [name for row in rows for name in re.findall(r"`(test_\w+)`", row)]
    assert all(f"case_{case.replace('-', '_')}_" in name for name in named[:1])
    assert bool(named) == bool(rows)


def test_every_test_that_is_named_exists():
    assert set(re.findall(r"`(test_\w+)`", TEXT)) - all_tests() == set()


def test_every_test_with_a_number_is_named():
    numbered = {name for name in all_tests() if re.match(r"test_[a-h]\d\d_", name)}
    assert numbered - set(re.findall(r"`(test_\w+)`", TEXT)) == set()
