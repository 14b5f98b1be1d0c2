"""Two hops around an entity, drawn in five columns: what depends on it on the left, what it depends on on the right."""

from __future__ import annotations

from typing import Any

from api.graph import GAP, HIGH, LANE, WIDE, Box, Graph, curve, cut
from worker.store.neighbourhood import Hop, Neighbourhood

AT_MOST = 12
"""Boxes in a column; the list below the drawing has more."""

STEP = WIDE + LANE


def draw(entity: dict[str, Any], around: Neighbourhood) -> Graph | None:
    """The drawing; None when there are no links of these types."""
    left, right = _sides(entity["id"], around.dependents), _sides(entity["id"], around.dependencies)
    if not left[0] and not right[0]:
        return None
    rows = max(len(column) for column in (*left, *right))
    height = rows * (HIGH + GAP) - GAP + 4
    wide_left = sum(1 for column in left if column)
    x = 2 + wide_left * STEP
    centre = Box(x, (height - HIGH) // 2, cut(entity["name"] or entity["external_id"]), entity["sub_type"], entity["id"])
    boxes: list[Box] = []
    lines: list[str] = []
    for columns, sign in ((left, -1), (right, 1)):
        placed = {_key(entity["id"], ""): centre}
        for number, column in enumerate(columns, 1):
            made = _column(column, x + sign * number * STEP, height)
            lines += [_arrow(placed[_key(link["near_id"], "")], box, sign) for link, box in zip(column, made, strict=True)]
            placed = {_key(link["far_id"], link["far_external_id"]): box for link, box in zip(column, made, strict=True)}
            boxes += made
    width = x + WIDE + 2 + sum(1 for column in right if column) * STEP
    more = sum(hop.rest + len(hop.links) for hop in (*around.dependents, *around.dependencies)) - len(boxes)
    return Graph(width, height, centre, boxes, lines, more)


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
    return [
        Box(x, top + row * (HIGH + GAP), cut(one["far_name"] or one["far_external_id"]), _kind(one), one["far_id"])
        for row, one in enumerate(links)
    ]


def _kind(link: dict[str, Any]) -> str:
    return cut(f"{link['dependency_type']} · {link['far_sub_type'] or 'not in the inventory'}", 33)


def _arrow(near: Box, far: Box, sign: int) -> str:
    """The arrow between a box and the one behind it; every arrow goes from left to right."""
    start, end = (near, far) if sign > 0 else (far, near)
    return curve(start.x + WIDE, start.middle, end.x, end.middle)
