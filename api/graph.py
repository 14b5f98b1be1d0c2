"""An entity among its neighbours, drawn twice: in three columns, every arrow from left to right, and in one column for narrow windows.

Its dependents are on the left or above it, its dependencies on the right or below it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

WIDE, HIGH, GAP, LANE = 236, 46, 12, 90
"""Sizes of a box, of the gap between two boxes, and of the gap between two columns."""

AT_MOST = 9
"""Boxes in a column; the list below the drawing has all."""

LETTERS = 28

INDENT, TRUNK = 34, 14
"""Sizes of the drawing in one column: where its neighbours begin, and where the line runs that joins them, from the left edge on."""

Neighbour = tuple[str, str, str, int | None]
"""Name, type of link, type and id of a neighbour."""


@dataclasses.dataclass(frozen=True)
class Box:
    """A neighbour, or the entity itself."""

    x: int
    y: int
    name: str
    kind: str
    id: int | None = None

    @property
    def label(self) -> str:
        """The name, cut to the width of the box."""
        return cut(self.name)

    @property
    def kind_label(self) -> str:
        """The kind in smaller letters, cut to the width of the box."""
        return cut(self.kind, LETTERS + 5)

    @property
    def middle(self) -> int:
        """The middle of the node's height."""
        return self.y + HIGH // 2


@dataclasses.dataclass(frozen=True)
class Graph:
    """The graph as the template draws it."""

    width: int
    height: int
    centre: Box
    boxes: list[Box]
    lines: list[str]
    """SVG paths of the arrows."""
    more: int
    """Neighbours for which there was no room."""
    wide: int = WIDE
    """Width of a box."""

    @property
    def slim(self) -> bool:
        """True for a drawing of more than three columns, which is as wide as a page can be."""
        return self.wide < WIDE


def _neighbours(entity: dict[str, Any]) -> tuple[list[Neighbour], list[Neighbour]]:
    """The dependents and the dependencies of an entity."""
    left = [(one["source_name"], one["dependency_type"], one["source_sub_type"], one["source_id"]) for one in entity["dependents"]]
    right = [
        (
            one["target_name"] or one["target_external_id"],
            one["dependency_type"],
            one["target_sub_type"] or "not in the inventory",
            one["target_id"],
        )
        for one in entity["dependencies"]
    ]
    return left, right


def draw(entity: dict[str, Any]) -> Graph | None:
    """The drawing in three columns; None when there are no neighbours."""
    left, right = _neighbours(entity)
    if not left and not right:
        return None
    rows = min(AT_MOST, max(len(left), len(right)))
    height = rows * (HIGH + GAP) - GAP + 4
    step = WIDE + LANE
    start = step if left else 0
    centre = Box(start + 2, (height - HIGH) // 2, entity["name"], entity["sub_type"])
    sources, targets = _column(left, 2, height), _column(right, start + step + 2, height)
    lines = [curve(box.x + WIDE, box.middle, centre.x, centre.middle) for box in sources]
    lines += [curve(centre.x + WIDE, centre.middle, box.x, box.middle) for box in targets]
    width = start + WIDE + 4 + (step if right else 0)
    return Graph(width, height, centre, sources + targets, lines, _rest(left, right))


def draw_narrow(entity: dict[str, Any]) -> Graph | None:
    """The drawing in one column, as wide as a telephone's window; None when there are no neighbours."""
    left, right = _neighbours(entity)
    if not left and not right:
        return None
    step = HIGH + GAP
    sources = _rows(left, INDENT, 2)
    centre = Box(2, 2 + len(sources) * step, entity["name"], entity["sub_type"])
    targets = _rows(right, INDENT, centre.y + step)
    lines = [" ".join(f"M{INDENT} {box.middle} H{TRUNK}" for box in reversed(sources)) + f" V{centre.y - 7}"] if sources else []
    above = [centre.y + HIGH, *(box.middle for box in targets)]
    lines += [elbow(TRUNK, start, INDENT, box.middle) for start, box in zip(above, targets, strict=False)]
    height = centre.y + step * (1 + len(targets)) - GAP + 2
    return Graph(INDENT + WIDE + 2, height, centre, sources + targets, lines, _rest(left, right))


def _rest(left: Sequence[Neighbour], right: Sequence[Neighbour]) -> int:
    return max(0, len(left) - AT_MOST) + max(0, len(right) - AT_MOST)


def _column(neighbours: Sequence[Neighbour], x: int, height: int) -> list[Box]:
    shown = min(len(neighbours), AT_MOST)
    return _rows(neighbours, x, (height - shown * (HIGH + GAP) + GAP) // 2)


def _rows(neighbours: Sequence[Neighbour], x: int, top: int) -> list[Box]:
    return [
        Box(x, top + row * (HIGH + GAP), name, f"{link} · {kind}", number)
        for row, (name, link, kind, number) in enumerate(neighbours[:AT_MOST])
    ]


def elbow(x: int, start: int, end: int, middle: int) -> str:
    """A line down or up from `start` along `x`, and level to the box at `end`; it leaves room for the arrow's head."""
    return f"M{x} {start} V{middle} H{end - 7}"


def curve(x: int, y: int, to_x: int, to_y: int) -> str:
    """A curve that leaves and arrives level; its end leaves room for the arrow's head."""
    half = (x + to_x) // 2
    return f"M{x} {y} C{half} {y} {half} {to_y} {to_x - 7} {to_y}"


def cut(text: str, letters: int = LETTERS) -> str:
    """The text, cut to the width of a box."""
    return text if len(text) <= letters else text[: letters - 1] + "…"
