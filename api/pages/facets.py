"""The facets beside the list of entities, and the columns that the list has: both are in the address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from flask import request

from api.errors import ApiError
from api.filters import label, number
from worker.store.facets import Facets, Value

TITLES = {"provider": "Provider", "sub_type": "Type", "organization_id": "Organization"}

MOST = 8
"""Values of a facet that are shown; the others are in the lists to choose from."""

COLUMNS = {
    "type": "Type",
    "region": "Region",
    "account": "Account",
    "id": "External id",
    "tags": "Tags",
    "first_seen": "First seen",
    "changed": "Changed",
}
"""Columns of the list behind the name, in their order."""

USUAL = ("type", "region", "account", "first_seen", "changed")


class Choice(NamedTuple):
    """A value of a facet: choosing it narrows the list, choosing it again widens it."""

    name: str
    amount: str
    """The number of entities as people read it: `12`, `2,000+`, `about 300,000`."""
    query: dict[str, Any]
    chosen: bool


def groups(found: Facets, given: dict[str, Any], organizations: dict[int, str]) -> list[tuple[str, list[Choice]]]:
    """The facets with a title each."""
    made = []
    for facet, title in TITLES.items():
        values = [_choice(facet, one, given, organizations) for one in found[facet][:MOST]]
        if values:
            made.append((title, values))
    return made


def _choice(facet: str, one: Value, given: dict[str, Any], organizations: dict[int, str]) -> Choice:
    chosen = given.get(facet) == one.value
    query = {name: value for name, value in given.items() if name != facet} if chosen else {**given, facet: one.value}
    name = organizations.get(int(one.value), one.value) if facet == "organization_id" else label(one.value)
    return Choice(name, _count(one), query, chosen)


def _count(one: Value) -> str:
    match one.known:
        case "exact":
            return number(one.entities)
        case "at least":
            return f"{number(one.entities)}+"
        case _:
            return f"about {number(_rounded(one.entities))}"


def _rounded(value: int) -> int:
    """An estimate with two digits that are not zero."""
    return int(float(f"{value:.1e}"))


def columns() -> Sequence[str]:
    """The columns that are asked for, in their order: `columns`, with commas or any number of times. Raises `ApiError`."""
    asked = {name.strip() for text in request.args.getlist("columns") for name in text.split(",") if name.strip()}
    if unknown := asked.difference(COLUMNS):
        raise ApiError(f"the list has no column '{min(unknown)[:40]}': {', '.join(COLUMNS)}")
    return [name for name in COLUMNS if name in (asked or USUAL)]
