"""The Elder API as a Flask application. Who may call it is decided here, before anything else is looked at."""

from __future__ import annotations

import hmac
import logging

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from api import inventory, jobs, openapi, pages
from api.context import Context
from api.endpoint import answer_with, register
from api.errors import ApiError
from worker.settings import Settings
from worker.store.errors import BadData, Conflict, StoreError

PREFIX = "/api/v1"
MAX_BODY = 32 * 1024 * 1024
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
ENDPOINTS = (*jobs.ENDPOINTS, *inventory.ENDPOINTS)

log = logging.getLogger("api")


def create_app(settings: Settings) -> Flask:
    """The application. It connects to the database when it is first asked for something."""
    app = Flask("api", template_folder="templates", static_folder="static")
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.url_map.strict_slashes = False
    context = Context(settings)
    app.extensions["elder"] = context
    app.before_request(lambda: _admit(settings))
    app.after_request(_harden)
    register(app, context, PREFIX, ENDPOINTS)
    pages.register(app, context)
    document = openapi.document(ENDPOINTS, PREFIX)
    app.add_url_rule(f"{PREFIX}/openapi.json", "openapi", lambda: answer_with(document))
    for path in ("/healthz", f"{PREFIX}/healthz"):
        app.add_url_rule(path, f"health {path}", lambda: answer_with({"status": "healthy", "service": "elder-api"}))
    _register_errors(app)
    return app


def _admit(settings: Settings) -> Response | None:
    """The key where one is needed; on loopback without a key, only what comes from this machine's own programs."""
    if request.path.endswith("/healthz"):
        return None
    if settings.elder_api_key:
        if not _knows(settings.elder_api_key):
            response = answer_with({"error": "the API asks for its key: send 'Authorization: Bearer <ELDER_API_KEY>'", "details": []}, 401)
            response.headers["WWW-Authenticate"] = 'Bearer, Basic realm="Elder (any user, the key as password)"'
            return response
    elif _host() not in LOOPBACK:  # a page of another site that has its name point to 127.0.0.1
        return answer_with({"error": f"this API answers to localhost only, not to '{_host()}'", "details": []}, 403)
    if request.method not in ("GET", "HEAD", "OPTIONS") and request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        return answer_with({"error": "another site's page may not change anything here", "details": []}, 403)
    return None


def _host() -> str:
    host = request.host
    return host[1 : host.index("]")] if host.startswith("[") and "]" in host else host.partition(":")[0]


def _knows(key: str) -> bool:
    given = request.authorization
    if given is None:
        return False
    secret = given.token if given.type == "bearer" else given.password
    return hmac.compare_digest((secret or "").encode(), key.encode())


def _harden(response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'"
    )
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _register_errors(app: Flask) -> None:
    @app.errorhandler(ApiError)
    def refused(error: ApiError) -> Response:
        return answer_with({"error": str(error), "details": error.details}, error.status)

    @app.errorhandler(StoreError)
    def store_failed(error: StoreError) -> Response:
        if isinstance(error, BadData):
            return answer_with({"error": f"the database does not take this: {error}", "details": []}, 400)
        if isinstance(error, Conflict):
            return answer_with({"error": f"something else was changing the same: {error}; try again", "details": []}, 409)
        log.error("the database failed: %s", error)
        return answer_with({"error": f"the database cannot be used now: {error}", "details": []}, 503)

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        response = answer_with({"error": error.description or error.name, "details": []}, error.code or 500)
        for name, value in error.get_headers():
            if name == "Allow":
                response.headers[name] = value
        return response

    @app.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        log.error("a request failed: %s", type(error).__name__, exc_info=error)
        return answer_with({"error": "the API failed at this request; its log says why", "details": []}, 500)
