"""Cursors of lists: a place in a list as text that is given back unchanged."""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any

import msgspec

from api.errors import ApiError
from worker.store.entity_list import SORTINGS, Place


class _Cursor(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    sort: str
    value: Any
    id: int


CHANGES = "-changed_at"
"""The order of changes, as their cursors name it: no order of entities."""


def after(sort: str, row: dict[str, Any]) -> str:
    """The cursor of the place behind a row. The row has the order's column and its id."""
    value = row[_column(sort)]
    return base64.urlsafe_b64encode(msgspec.json.encode(_Cursor(sort, value, row["id"]))).decode().rstrip("=")


def place(text: str, sort: str) -> Place:
    """The place that a cursor stands for. Raises `ApiError`."""
    try:
        found = msgspec.json.decode(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True), type=_Cursor)
        value = _typed(found.sort, found.value)
    except (ValueError, KeyError, TypeError, msgspec.MsgspecError):
        raise ApiError(
            "`cursor` is not one of this API: take it from `next_cursor` or the header Link, or leave it empty to begin"
        ) from None
    if found.sort != sort:
        raise ApiError(f"`cursor` is of a list that is sorted by '{found.sort}', not by '{sort}': begin with an empty one")
    if not (-(2**63) + 1 if sort == CHANGES else 0) <= found.id < 2**63:  # an entity that was created has the negative of its id there
        raise ApiError("`cursor` is not one of this API: its id is out of range")
    return Place(value, found.id)


def _column(sort: str) -> str:
    """The column of an order. Raises `KeyError`."""
    return "changed_at" if sort == CHANGES else SORTINGS[sort.removeprefix("-")].column


def _typed(sort: str, value: Any) -> Any:
    """The value as the order's column has it. Raises `ValueError`, `KeyError` or `TypeError`."""
    match _column(sort):
        case "id":
            number = msgspec.convert(value, int)
            if not 0 <= number < 2**63:
                raise ValueError(number)
            return number
        case "changed_at":
            return msgspec.convert(value, dt.datetime)
        case _:
            if "\0" in (text := msgspec.convert(value, str)):
                raise ValueError(text)
            return text
