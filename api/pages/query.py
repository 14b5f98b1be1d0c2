"""Queries of pages: numbers, page numbers and filters as a browser sends them."""

from __future__ import annotations

from typing import Any

from flask import request

from api.errors import ApiError

PER_PAGE = 50


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
