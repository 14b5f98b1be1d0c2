"""The attributes of an entity as a tree: keys in order, long texts cut, and never more nodes than a page can hold."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from api.filters import short

DEEPEST, WIDEST, NODES = 12, 200, 3000
"""Levels, children of one node, and nodes in all; what is beyond is counted, and is in the JSON."""

FEW = 6
"""A node with no more children than this, and no grandchildren, is open at first."""


@dataclasses.dataclass
class Node:
    """A key with its value: a text, or children."""

    name: str
    text: str
    """A leaf's value, or what a node with children holds: `3 items`."""
    children: list[Node] = dataclasses.field(default_factory=list)
    whole: str = ""
    """The whole text of a leaf whose text is cut."""
    hidden: int = 0
    """Children for which there was no room."""

    @property
    def open(self) -> bool:
        """True for a node whose children are few and leaves."""
        return len(self.children) <= FEW and not self.hidden and not any(child.children or child.whole for child in self.children)


class _Tree:
    """Makes nodes until there is no room left."""

    def __init__(self) -> None:
        self.room = NODES

    def children(self, entries: Iterable[tuple[str, Any]], level: int) -> list[Node]:
        made: list[Node] = []
        for name, value in entries:
            if self.room <= 0 or len(made) == WIDEST:
                break
            self.room -= 1
            made.append(self.node(name, value, level))
        return made

    def node(self, name: str, value: Any, level: int) -> Node:
        if not isinstance(value, Mapping | list) or not value:
            return _leaf(name, value)
        if level == DEEPEST:
            return Node(name, short(value))
        noun = "field" if isinstance(value, Mapping) else "item"
        children = self.children(_entries(value), level + 1)
        return Node(name, f"{len(value)} {noun}{'' if len(value) == 1 else 's'}", children, hidden=len(value) - len(children))


def tree(attributes: Mapping[str, Any]) -> Node:
    """The root of the attributes' tree."""
    return _Tree().node("", attributes, 0)


def _entries(value: Mapping[str, Any] | list[Any]) -> Iterable[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return sorted(value.items(), key=lambda entry: (entry[0].casefold(), entry[0]))
    return ((str(number), item) for number, item in enumerate(value, 1))


def _leaf(name: str, value: Any) -> Node:
    if value is None or value in ({}, [], ""):
        return Node(name, "none" if value is None else "empty")
    if isinstance(value, bool):
        return Node(name, "yes" if value else "no")
    text = short(value)
    return Node(name, text, whole=value if isinstance(value, str) and text != value else "")
