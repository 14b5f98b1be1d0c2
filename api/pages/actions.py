"""Routes of pages, and the buttons on them: a button does what the API does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from flask import redirect, request
from werkzeug.wrappers import Response

from api.context import Context
from api.endpoint import NoBody, NoQuery
from api.errors import ApiError, InvalidBody
from providers.errors import ConfigError
from worker.store.errors import BadData, Conflict
from worker.store.keys import Role

REFUSALS = (ApiError, ConfigError, BadData, Conflict)
"""Errors that the person at the form can do something about."""


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


def refused(error: Exception, page: Callable[..., str]) -> Response:
    """The page with the form anew, which is told why nothing was done: ``refusal``, and in ``details`` further sentences."""
    status = error.status if isinstance(error, ApiError) else 409 if isinstance(error, Conflict) else 400
    refusal, details = _sentences(error)
    return Response(page(refusal=refusal, details=details), status, content_type="text/html; charset=utf-8")


def _sentences(error: Exception) -> tuple[str, Sequence[str]]:
    """The sentence that says what is wrong, and further ones. What programs are told of their body is told of the form."""
    details: Sequence[str] = error.details if isinstance(error, ApiError) else error.complaints if isinstance(error, ConfigError) else ()
    if not isinstance(error, ConfigError | InvalidBody):
        return str(error), details
    return (details[0], ()) if len(details) == 1 else ("the form is not valid", details)
