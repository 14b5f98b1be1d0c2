"""The base class of every answer of the API. The tests hold each answer against its model: nothing more, nothing less."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import msgspec

Time = Annotated[dt.datetime, msgspec.Meta(tz=True)]

Id = Annotated[int, msgspec.Meta(ge=1, extra_json_schema={"maximum": 2**63 - 1})]
"""The id of a row; the first is 1."""


def bounds(least: int, most: int) -> msgspec.Meta:
    """The bounds of a number, for the OpenAPI document; `__post_init__` refuses what is beyond them, in a sentence."""
    return msgspec.Meta(extra_json_schema={"minimum": least, "maximum": most})


def length(least: int, most: int, pattern: str = "") -> msgspec.Meta:
    """The length of a text and a pattern that it has, for the OpenAPI document; `__post_init__` refuses other texts, in a sentence."""
    return msgspec.Meta(extra_json_schema={"minLength": least, "maxLength": most, **({"pattern": pattern} if pattern else {})})


WRITTEN = r"\S"
"""Pattern of a text that is not blank."""


class ApiModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of an answer, or a part of it."""


class Listed(ApiModel, frozen=True, kw_only=True):
    """One page of a list."""

    total: int
    """Number of all that fit the query."""
    page: int
    """Number of this page, from 1."""
    per_page: int
    """Largest number of items of a page."""
    pages: int
    """Number of pages of the list."""


class Continued(ApiModel, frozen=True, kw_only=True):
    """A list by page number, with totals unless there are too many to count; or from a cursor on, without."""

    total: int | None
    """Number of all that fit the query; null where there are too many to count, and for a list that is read from a cursor on."""
    page: int | None
    """Number of this page, from 1; null for a list that is read from a cursor on."""
    per_page: int
    """Largest number of items of a page."""
    pages: int | None
    """Number of pages; null where `total` is."""
    next_cursor: str | None
    """The place behind the last one, for `cursor`; null at the end."""
