"""Two hops around an entity, drawn twice: in up to five columns, what depends on it on the left and what it depends on on the right,
and as a tree in one column for windows that are narrower than that.
"""

from __future__ import annotations

from typing import Any

from api.graph import GAP, HIGH, INDENT, LANE, TRUNK, WIDE, Box, Graph, curve, elbow
from worker.store.neighbourhood import Hop, Neighbourhood

AT_MOST = 12
"""Boxes in a column; the list below the drawing has more."""

SLIM, SLIM_LANE = 194, 42
"""Sizes of a box and of the gap between two columns where there are more than three: five fit into a page."""


def draw(entity: dict[str, Any], around: Neighbourhood) -> Graph | None:
    """The drawing; None when there are no links of these types."""
    left, right = _sides(entity["id"], around.dependents), _sides(entity["id"], around.dependencies)
    if not left[0] and not right[0]:
        return None
    rows = max(len(column) for column in (*left, *right))
    height = rows * (HIGH + GAP) - GAP + 4
    wide_left = sum(1 for column in left if column)
    wide_right = sum(1 for column in right if column)
    wide, lane = (WIDE, LANE) if wide_left + wide_right < 3 else (SLIM, SLIM_LANE)
    step = wide + lane
    x = 2 + wide_left * step
    centre = Box(x, (height - HIGH) // 2, entity["name"] or entity["external_id"], entity["sub_type"], entity["id"])
    boxes: list[Box] = []
    lines: list[str] = []
    for columns, sign in ((left, -1), (right, 1)):
        placed = {_key(entity["id"], ""): centre}
        for number, column in enumerate(columns, 1):
            made = _column(column, x + sign * number * step, height)
            lines += [_arrow(placed[_key(link["near_id"], "")], box, sign, wide) for link, box in zip(column, made, strict=True)]
            placed = {_key(link["far_id"], link["far_external_id"]): box for link, box in zip(column, made, strict=True)}
            boxes += made
    return Graph(x + wide + 2 + wide_right * step, height, centre, boxes, lines, _more(around, boxes), wide)


def draw_narrow(entity: dict[str, Any], around: Neighbourhood) -> Graph | None:
    """The drawing as a tree in one column, dependents above the entity; None when there are no links of these types."""
    above, below = (_rows(entity["id"], hops) for hops in (around.dependents, around.dependencies))
    if not above and not below:
        return None
    step = HIGH + GAP
    middle = 2 + len(above) * step
    centre = Box(2, middle, entity["name"] or entity["external_id"], entity["sub_type"], entity["id"])
    boxes: list[Box] = []
    lines: list[str] = []
    for rows, sign in ((above, -1), (below, 1)):
        first = centre
        for place, (depth, link) in enumerate(rows, 1):
            box = _box(link, 2 + depth * INDENT, middle + sign * place * step)
            lines.append(_branch(centre if depth == 1 else first, box, sign))
            first = box if depth == 1 else first
            boxes.append(box)
    return Graph(2 + 2 * INDENT + WIDE + 2, middle + len(below) * step + HIGH + 2, centre, boxes, lines, _more(around, boxes))


def _rows(entity: int, hops: tuple[Hop, Hop]) -> list[tuple[int, dict[str, Any]]]:
    """The links of one side as a tree: each of the first hop, then those of the second that begin at it, with the hop's number."""
    first, second = _sides(entity, hops)
    return [row for near in first for row in ((1, near), *((2, far) for far in second if far["near_id"] == near["far_id"]))]


def _branch(near: Box, far: Box, sign: int) -> str:
    """The line between a box and one that is deeper in the tree: it ends at the far box below the entity, at the near one above it."""
    trunk = near.x + TRUNK
    if sign > 0:
        return elbow(trunk, near.y + HIGH, far.x, far.middle)
    return f"M{far.x} {far.middle} H{trunk} V{near.y - 7}"


def _more(around: Neighbourhood, boxes: list[Box]) -> int:
    return sum(hop.rest + len(hop.links) for hop in (*around.dependents, *around.dependencies)) - len(boxes)


def _sides(entity: int, hops: tuple[Hop, Hop]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The links that are drawn on one side: each entity once, the second hop behind entities that are drawn."""
    first = _once(hops[0].links, {_key(entity, "")})
    seen = {_key(entity, "")} | {_key(one["far_id"], one["far_external_id"]) for one in hops[0].links}
    near = {one["far_id"] for one in first}
    return first, _once([one for one in hops[1].links if one["near_id"] in near], seen)


def _once(links: list[dict[str, Any]], seen: set[int | str]) -> list[dict[str, Any]]:
    found: dict[int | str, dict[str, Any]] = {}
    for one in links:
        key = _key(one["far_id"], one["far_external_id"])
        if key not in seen and len(found) < AT_MOST:
            found.setdefault(key, one)
    return list(found.values())


def _key(number: int | None, external_id: str) -> int | str:
    return external_id if number is None else number


def _column(links: list[dict[str, Any]], x: int, height: int) -> list[Box]:
    top = (height - len(links) * (HIGH + GAP) + GAP) // 2
    return [_box(one, x, top + row * (HIGH + GAP)) for row, one in enumerate(links)]


def _box(link: dict[str, Any], x: int, y: int) -> Box:
    return Box(x, y, link["far_name"] or link["far_external_id"], _kind(link), link["far_id"])


def _kind(link: dict[str, Any]) -> str:
    return f"{link['dependency_type']} · {link['far_sub_type'] or 'not in the inventory'}"


def _arrow(near: Box, far: Box, sign: int, wide: int) -> str:
    """The arrow between a box and the one behind it; every arrow goes from left to right."""
    start, end = (near, far) if sign > 0 else (far, near)
    return curve(start.x + wide, start.middle, end.x, end.middle)
