"""Addresses that people type, and that lead to the page they mean."""

from __future__ import annotations

import functools

from flask import redirect, request
from werkzeug.wrappers import Response

from api.context import Context
from api.pages.actions import Page

ADDRESSES = {
    "/jobs": "/",
    "/discovery/jobs": "/",
    "/orgs": "/organizations",
    "/search": "/entities",
    "/inventory": "/entities",
    "/api": "/api/docs",
    "/docs": "/api/docs",
}
"""Address -> path of the page."""


def _lead(target: str, _context: Context) -> Response:
    query = request.query_string.decode("ascii", "ignore")
    return redirect(f"{target}?{query}" if query else target, 303)


PAGES = tuple(Page(address, functools.partial(_lead, target), "read") for address, target in ADDRESSES.items())
