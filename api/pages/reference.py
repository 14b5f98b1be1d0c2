"""The page of the API: every operation and schema of the OpenAPI document."""

from __future__ import annotations

import functools

from flask import render_template

from api import reference
from api.context import Context
from api.endpoints import document
from api.pages.actions import Page


@functools.cache
def _content() -> tuple[list[tuple[str, list[reference.Operation]]], list[reference.Shape]]:
    found = document()
    return list(reference.groups(found)), reference.shapes(found)


def _reference(_context: Context) -> str:
    groups, shapes = _content()
    return render_template("reference.html", groups=groups, shapes=shapes)


PAGES = (Page("/api/docs", _reference, "read"),)
