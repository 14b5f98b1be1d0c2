"""The page of the API: every operation and schema of the OpenAPI document."""

from __future__ import annotations

import functools
from typing import Any

from flask import render_template

from api import reference
from api.context import Context
from api.endpoints import document
from api.error_responses import MEANINGS
from api.pages.actions import Page


@functools.cache
def _content() -> dict[str, Any]:
    found = document()
    return {
        "groups": list(reference.groups(found)),
        "errors": {status: meaning for status, (_, meaning) in MEANINGS.items()},
        "shapes": reference.shapes(found),
    }


def _reference(_context: Context) -> str:
    return render_template("reference.html", **_content())


PAGES = (Page("/api/docs", _reference, "read"),)
