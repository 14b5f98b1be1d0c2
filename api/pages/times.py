"""Times on pages: relative to now, or absolute in UTC, as a person chooses by a link, which needs neither scripts nor a mouse."""

from __future__ import annotations

import datetime as dt
import re

from flask import redirect, request
from werkzeug.wrappers import Response

from api import filters
from api.context import Context
from api.pages import query
from api.pages.actions import Page

COOKIE = "elder_times"
ABSOLUTE = "absolute"
KEPT = 365 * 86400
"""Seconds for which a browser keeps the choice."""

_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]{0,4000}")
"""A path on this server, with its query: a browser takes `//` and `/\\` for the beginning of another host."""


def absolute() -> bool:
    """True when the times of this page are absolute."""
    return request.cookies.get(COOKIE) == ABSOLUTE


def shown(moment: dt.datetime) -> str:
    """A time as the page shows it."""
    return exact(moment) if absolute() else filters.ago(moment)


def hint(moment: dt.datetime) -> str:
    """A time as it is not shown, for those who point at it."""
    return filters.ago(moment) if absolute() else exact(moment)


def exact(moment: dt.datetime) -> str:
    """The time to the second, in UTC."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def this_page() -> str:
    """The page that is shown, with its query; the first page for the answer to a form."""
    given = request.query_string.decode("ascii", "ignore")
    return (f"{request.path}?{given}" if given else request.path) if request.method == "GET" else "/"


def _choose(_context: Context) -> Response:
    given = query.filters("show", "back")
    back = given.get("back", "/")
    response = redirect(back if _PATH.fullmatch(back) else "/", 303)
    value = ABSOLUTE if given.get("show") == ABSOLUTE else "relative"
    response.set_cookie(COOKIE, value, max_age=KEPT, secure=request.is_secure, httponly=True, samesite="Lax", path="/")
    return response


PAGES = (Page("/times", _choose, "read"),)
