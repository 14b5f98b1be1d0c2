"""Queries of pages: numbers, page numbers and filters as a browser sends them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from flask import request

from api.errors import ApiError
from providers.complaints import sentence

PER_PAGE = 50

FiltersT = TypeVar("FiltersT", bound=msgspec.Struct)


def number(text: str) -> int:
    """A whole number. Raises `ApiError`."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ApiError(f"'{text[:40]}' is not a number that can be used here")
    return int(text)


def page() -> int:
    """The page that is asked for, from 1. Raises `ApiError`."""
    return max(1, min(number(request.args.get("page", "1")), 1_000_000))


def pages(total: int, per_page: int = PER_PAGE) -> dict[str, int]:
    """The values of the template's pager: ``page`` and ``pages``."""
    return {"page": page(), "pages": max(1, -(-total // per_page))}


def filters(*names: str) -> dict[str, Any]:
    """The filters among `names` that are given and not empty. Raises `ApiError`."""
    given: dict[str, Any] = {name: value for name in names if (value := request.args.get(name, "").strip())}
    if any("\0" in value for value in given.values()):
        raise ApiError("a NUL has no place in a filter")
    return given


def typed(given: Mapping[str, Any], kind: type[FiltersT]) -> FiltersT:
    """The filters as the API has them. Raises `ApiError`."""
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise ApiError(f"the filters are not valid: {sentence(error, kind)}") from None
