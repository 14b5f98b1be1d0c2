"""docs/architecture.md names files and functions: each of them exists."""

from __future__ import annotations

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "architecture.md").read_text()
PATHS = sorted(set(re.findall(r"`((?:api|worker|providers|supervisor|tests)/[\w/.]*)`", TEXT)))
NAMED = re.findall(r"`((?:api|worker|providers|supervisor)/[\w/]+\.py)`: ((?:`\w+`(?:, )?)+)", TEXT)


@pytest.mark.parametrize("path", PATHS)
def test_each_path_exists(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize(("path", "names"), NAMED)
def test_each_name_is_in_its_file(path, names):
    source = (ROOT / path).read_text()
    for name in re.findall(r"`(\w+)`", names):
        assert re.search(rf"\b{name}\b", source), name


def test_the_rooms_are_those_of_the_house_test():
    """Every room of worker/ and providers/ stands in the picture."""
    from test_house import FLOORS

    picture = TEXT[TEXT.index("## Rooms") : TEXT.index("## Pipes")]
    missing = [room for floors in FLOORS.values() for floor in floors for room in floor if not re.search(rf"\b{room}(\.py|/)", picture)]
    assert set(missing) <= {"version", "supervised", "hostile", "testing", "collected", "attempts"}, (
        "left out: no rooms that a reader looks for"
    )
