"""The table of folders in CONTRIBUTING.md: its last column is made from the rules of tests/test_house.py."""

from __future__ import annotations

import re

from test_house import FLOORS, LIBRARIES, PACKAGES_BELOW

PACKAGE_ROW = re.compile(r"^\| `(\w+)/` \| (.*) \|(.*)\|$")
FLOOR_ROW = re.compile(r"^\| floor (\d+) of `(\w+)/` \| (.*) \|(.*)\|$")


def filled(text: str) -> str:
    """The text with the last column of each package's and each floor's row as the rules say."""
    return "\n".join(_filled(line) for line in text.split("\n"))


def _filled(line: str) -> str:
    if (found := PACKAGE_ROW.match(line)) and found[1] in PACKAGES_BELOW:
        return f"| `{found[1]}/` | {found[2]} | {package_may_import(found[1])} |"
    if found := FLOOR_ROW.match(line):
        return f"| floor {found[1]} of `{found[2]}/` | {found[3]} | {floor_may_import(found[2], int(found[1]))} |"
    return line


def rooms(text: str) -> dict[tuple[str, int], list[str]]:
    """(package, floor) -> the rooms that its row names."""
    found = filter(None, map(FLOOR_ROW.match, text.splitlines()))
    return {
        (row[2], int(row[1])): [name.rstrip("/").removesuffix(".py") for name in re.findall(r"`(\w+(?:/|\.py))`", row[3])] for row in found
    }


def package_may_import(package: str) -> str:
    """Names the packages and libraries that every module of a package may import."""
    own = _codes(f"{name}/" for name in PACKAGES_BELOW[package])
    return "; ".join(part for part in (own, _codes(LIBRARIES[package])) if part)


def floor_may_import(package: str, floor: int) -> str:
    """Names what the rooms of a floor may import besides: the floors below, and the libraries of each room."""
    below = ("no other room", "floor 0")[floor] if floor < 2 else f"floors 0 to {floor - 1}"
    own = [f"`{room}/`: {_codes(LIBRARIES[f'{package}/{room}'])}" for room in FLOORS[package][floor] if f"{package}/{room}" in LIBRARIES]
    return "; ".join((below, *own))


def _codes(names) -> str:
    return ", ".join(f"`{name}`" for name in names)
