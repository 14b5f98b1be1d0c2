"""Queries of pages: numbers, page numbers and filters as a browser sends them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from flask import request

from api.errors import ApiError
from providers.complaints import sentence

PER_PAGE, MOST_PAGES = 50, 1_000_000

FiltersT = TypeVar("FiltersT", bound=msgspec.Struct)


def number(text: str) -> int:
    """A whole number. Raises `ApiError`."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ApiError(f"'{text[:40]}' is not a number that can be used here")
    return int(text)


def page() -> int:
    """The page that is asked for, from 1. Raises `ApiError`."""
    asked = number(once("page") or "1")
    if not 1 <= asked <= MOST_PAGES:
        raise ApiError(f"`page` is from 1 to {MOST_PAGES}")
    return asked


def once(name: str) -> str:
    """The value of a parameter, empty when it is not given. Raises `ApiError` for one that is given twice or holds a NUL."""
    found = request.args.getlist(name)
    if len(found) > 1:
        raise ApiError(f"`{name}` is given twice")
    if "\0" in "".join(found):
        raise ApiError(f"`{name}`: a NUL has no place in a filter")
    return found[0].strip() if found else ""


def pages(total: int, per_page: int = PER_PAGE) -> dict[str, int]:
    """The values of the template's pager: ``page`` and ``pages``."""
    return {"page": page(), "pages": max(1, -(-total // per_page))}


def filters(*names: str) -> dict[str, Any]:
    """The filters among `names` that are given and not empty. Raises `ApiError`."""
    return {name: value for name in names if (value := once(name))}


def typed(given: Mapping[str, Any], kind: type[FiltersT]) -> FiltersT:
    """The filters as the API has them. Raises `ApiError`."""
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise ApiError(f"the filters are not valid: {sentence(error, kind)}") from None
