"""Routes of pages, and the buttons on them: a button does what the API does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from flask import redirect, request
from werkzeug.wrappers import Response

from api.context import Context
from api.endpoint import NoBody, NoQuery
from worker.store.keys import Role


class Page(NamedTuple):
    """One route: a page (GET), or a button or form (POST)."""

    rule: str
    view: Callable[..., str | Response]
    """Called with the context and the values in the rule's path."""
    role: Role
    """The role of a key that may open or press it (`api.roles`)."""
    method: str = "GET"


def act(action: Callable[..., Any], body: Callable[[], Any] = NoBody) -> Callable[..., Response]:
    """The view of a button: calls the API's function, then shows the page that the button is on."""

    def view(context: Context, **path: Any) -> Response:
        action(context, NoQuery(), body(), **path)
        return redirect(request.path.rpartition("/")[0] or "/", 303)

    return view
