"""Whatever goes wrong becomes one sentence: as JSON for programs, as a page for people, never a stack trace."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from urllib.parse import urlencode

from flask import Flask, Response, current_app, render_template, request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import HTTPException

from api.endpoint import json_response
from api.errors import ApiError, TooManyRequests
from worker.store.errors import BadData, Conflict, StoreError

log = logging.getLogger("api")

CHALLENGES = ("Bearer", 'Basic realm="Elder (any user, a key as password)"')
"""How a key may be sent, each in a header of its own: Chromium asks for no password where both stand in one."""


def register(app: Flask) -> None:
    """Makes the handlers of errors."""
    app.register_error_handler(ApiError, _refused)
    app.register_error_handler(StoreError, _store_failed)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(ParseException, lambda error: _answer(400, f"the body is not sent as HTTP asks: {error}"))
    app.register_error_handler(RecursionError, lambda _: _answer(400, "the body is nested too deeply"))
    app.register_error_handler(Exception, _failed)


def _answer(status: int, message: str, details: Sequence[str] = ()) -> Response:
    if not _wants_page():
        return json_response({"error": message, "details": list(details)}, status)
    login = bool(_signs_in() and status in (401, 403, 503))
    return Response(render_template("error.html", status=status, message=message, details=details, login=login), status)


def _wants_page() -> bool:
    return not request.path.startswith("/api/") and "text/html" in request.headers.get("Accept", "")


def _signs_in() -> bool:
    """True if people sign in by an identity provider."""
    return bool(current_app.extensions["elder"].settings.elder_oidc_issuer)


def _to_sign_in() -> Response:
    """Sends a browser to sign in, and then back to the page that it asked for."""
    return Response(status=303, headers={"Location": f"/login?{urlencode({'next': request.full_path.rstrip('?')})}"})


def _refused(error: ApiError) -> Response:
    by_page = error.status == 401 and _signs_in() and _wants_page()
    if by_page and request.method == "GET" and request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate":
        return _to_sign_in()
    response = _answer(error.status, str(error), error.details)
    if error.status == 401 and not by_page:
        for challenge in CHALLENGES:
            response.headers.add("WWW-Authenticate", challenge)
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(math.ceil(error.seconds))
    return response


def _store_failed(error: StoreError) -> Response:
    if isinstance(error, BadData):
        return _answer(400, f"the database does not take this: {error}")
    if isinstance(error, Conflict):
        return _answer(409, f"something else was changing the same: {error}; try again")
    log.error("the database failed: %s", error)
    return _answer(503, f"the database cannot be used now: {error}")


def _http_error(error: HTTPException) -> Response:
    headers = dict(error.get_headers())
    status = error.code or 500
    if "Location" in headers or status < 400:
        return Response(status=status, headers={"Location": headers.get("Location", "/")})
    response = _answer(status, _SENTENCES.get(status, error.description or error.name).format(method=request.method, path=request.path))
    if "Allow" in headers:
        response.headers["Allow"] = headers["Allow"]
    return response


_SENTENCES = {
    404: "there is nothing at {path}; what there is: /api/v1/openapi.json",
    405: "{method} is not possible here; the header Allow says what is",
    413: "the body is too large",
}


def _failed(error: Exception) -> Response:
    log.error("a request failed: %s", type(error).__name__, exc_info=error)
    return _answer(500, "the API failed at this request; its log says why")
