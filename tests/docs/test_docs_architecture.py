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
    """Each line of the picture has the rooms of its floor, and no others."""
    from test_house import FLOORS

    for package, floors in FLOORS.items():
        picture = TEXT[TEXT.index(f"\n{package}/\n  floor") :].partition("\n\n")[0].partition("\n```")[0]
        lines = re.split(r"\n  floor (\d+)", picture)
        drawn = {
            int(number): set(re.findall(r"(?<![\w`-])(\w+)(?:/|\.py)(?!\w)", line))
            for number, line in zip(lines[1::2], lines[2::2], strict=True)
        }
        assert drawn == {number: set(rooms) for number, rooms in enumerate(floors)}
