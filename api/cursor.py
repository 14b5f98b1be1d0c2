"""Cursors of lists: a place in a list as text that is given back unchanged."""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from api.errors import ApiError
from worker.store.query import Order, Place


class _Cursor(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    sort: str
    value: Any
    id: int


def after(sort: str, order: Order, row: dict[str, Any]) -> str:
    """The cursor of the place behind a row. The row has the order's column and its id."""
    value = row[order.column]
    return base64.urlsafe_b64encode(msgspec.json.encode(_Cursor(sort, value, row["id"]))).decode().rstrip("=")


def place(text: str, sort: str, order: Order) -> Place:
    """The place that a cursor stands for, in a list that is in this order. Raises `ApiError`."""
    try:
        found = msgspec.json.decode(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True), type=_Cursor)
        value = _typed(order.kind, found.value) if found.sort == sort else None
    except (ValueError, TypeError, msgspec.MsgspecError):
        raise ApiError(
            "`cursor` is not one of this API: take it from `next_cursor` or the header Link, or leave it empty to begin"
        ) from None
    if found.sort != sort:
        raise ApiError(f"`cursor` is of a list that is sorted by '{found.sort}', not by '{sort}': begin with an empty one")
    if not order.least_id <= found.id < 2**63:
        raise ApiError("`cursor` is not one of this API: its id is out of range")
    return Place(value, found.id)


def _typed(kind: Any, value: Any) -> Any:
    """The value as the order's column has it. Raises `ValueError`."""
    typed = msgspec.convert(value, kind)
    if (isinstance(typed, int) and not 0 <= typed < 2**63) or (isinstance(typed, str) and "\0" in typed):
        raise ValueError(typed)
    return typed
