"""Complaints in plain words: what msgspec says of a value, as a sentence that names it as the user wrote it."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from typing import Annotated, Any, Literal

import msgspec
import pytest

from providers.complaints import sentence
from providers.schema import Secret


class Colour(enum.Enum):
    """An enumeration."""

    RED = "red"
    BLUE = "blue"


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A nested value."""

    port: int
    verb: Literal["allow", "deny"] = "allow"
    token: Annotated[Literal["a", "b"], msgspec.Meta(extra={"secret": True})] = "a"

    def __post_init__(self) -> None:
        if self.port == 7:
            raise ValueError("port 7 is for echoes")


Now, Then = Literal["now"], Literal["then"]
"""Closed lists of two modules, which come together in one field."""


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value with each thing that can be wrong."""

    rules: tuple[Rule, ...] = ()
    numbers: dict[str, int] = {}
    count: Annotated[int, msgspec.Meta(ge=1, le=5)] | None = None
    share: Annotated[float, msgspec.Meta(gt=0, multiple_of=2)] = 2.0
    name: Annotated[str, msgspec.Meta(min_length=2, max_length=4, pattern="^a")] = "ab"
    pair: tuple[int, str] = (1, "")
    at: dt.datetime | None = None
    day: dt.date | None = None
    key: uuid.UUID | None = None
    some: Annotated[tuple[str, ...], msgspec.Meta(max_length=1)] = ()
    either: bool | int | str = 1
    colour: Colour = Colour.RED
    when: Now | Then | None = None
    secret: Secret = ""


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ([], "the whole must be an object, and is a list"),
        ({"rules": "x"}, "`rules` must be a list, and is a text"),
        ({"rules": [{"port": "x"}]}, "`rules[0].port` must be a whole number, and is a text"),
        ({"rules": [{"port": 1.5}]}, "`rules[0].port` must be a whole number, and is a decimal number"),
        ({"rules": [{"port": 1, "verb": "z"}]}, "`rules[0].verb` must be allow or deny, and is 'z'"),
        ({"rules": [{"port": 1, "token": "canary"}]}, "`rules[0].token` is not valid"),
        ({"rules": [{"port": 7}]}, "`rules[0]`: port 7 is for echoes"),
        ({"rules": [{}]}, "`rules[0].port` is missing"),
        ({"rules": [{"port": 1, "prot": 2}]}, "`rules[0].prot` is not known"),
        ({"colour": "green"}, "`colour` must be red or blue, and is 'green'"),
        ({"when": "later"}, "`when` must be now or then, and is 'later'"),
        ({"hue": 1}, "`hue` is not known"),
        ({"numbers": {"k": "v"}}, "a value in `numbers` must be a whole number, and is a text"),
        ({"numbers": {3: 1}}, "a key in `numbers` must be a text, and is a whole number"),
        ({"count": 0}, "`count` must be at least 1"),
        ({"count": 9}, "`count` must be at most 5"),
        ({"count": True}, "`count` must be a whole number, and is a boolean"),
        ({"share": 0}, "`share` must be more than 0.0"),
        ({"share": 3}, "`share` must be a multiple of 2.0"),
        ({"name": "a"}, "`name` must have at least 2 characters"),
        ({"name": "abcde"}, "`name` must have at most 4 characters"),
        ({"name": "bcd"}, "`name` must match the pattern ^a"),
        ({"name": None}, "`name` must be a text, and is null"),
        ({"pair": [1]}, "`pair` must have 2 items, and has 1"),
        ({"at": "yesterday"}, "`at` must be a time such as 2026-01-31T12:00:00Z"),
        ({"day": "x"}, "`day` must be a date such as 2026-01-31"),
        ({"key": "x"}, "`key` must be a UUID"),
        ({"some": ["a", "b"]}, "`some` must have at most 1 item"),
        ({"either": []}, "`either` must be true or false, a whole number or a text, and is a list"),
        ({"secret": 7}, "`secret` must be a text, and is a whole number"),
    ],
)
def test_each_complaint_is_a_sentence_that_names_the_value(raw, expected):
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(raw, Body)

    assert sentence(caught.value, Body) == expected


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("us-east-1", tuple[str, ...], "`regions` must be a list, and is a text"),
        ([1], tuple[str, ...], "`regions[0]` must be a text, and is a whole number"),
        ("x", Literal["a", "b", "c"], "`regions` must be a, b or c, and is 'x'"),
        ("x", Annotated[Literal["a"], msgspec.Meta(extra={"secret": True})], "`regions` is not valid"),
    ],
)
def test_a_value_that_has_a_name_is_called_by_it(value: Any, kind: Any, expected: str):
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(value, kind)

    assert sentence(caught.value, kind, "regions") == expected


def test_what_a_later_msgspec_may_say_is_passed_on_with_its_place():
    assert sentence(msgspec.ValidationError("Something new - at `$.name`"), Body) == "`name`: Something new"
    assert sentence(msgspec.ValidationError("Something new: 'canary' - at `$.secret`"), Body) == "`secret` is not valid"
    assert sentence(msgspec.ValidationError("Something new"), Body) == "Something new"
