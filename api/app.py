"""The Elder API as a Flask application: who may call, what there is, and what every answer carries."""

from __future__ import annotations

from flask import Flask, Response

from api import access, metrics, refusals
from api.compression import compressed
from api.context import Context
from api.endpoint import json_response, register
from api.endpoints import ENDPOINTS, PREFIX, document
from api.pages import routes
from worker.config.settings import Settings


def create_app(settings: Settings) -> Flask:
    """The application. It connects to the database when it is first asked for something. Raises `SecretBoxError`."""
    app = Flask(__name__)
    app.url_map.strict_slashes = False
    context = Context(settings)
    app.extensions["elder"] = context
    metrics.register(app, context)
    app.before_request(lambda: access.admit(context))
    app.after_request(_harden)
    refusals.register(app)
    register(app, context, PREFIX, ENDPOINTS)
    routes.register(app, context)
    if settings.elder_oidc_issuer:
        from api.login.routes import register as register_login  # noqa: PLC0415 - its library is loaded only where people sign in by it

        register_login(app, context)
    app.add_url_rule(f"{PREFIX}/openapi.json", "openapi", lambda: compressed(json_response(document())))
    context.roles |= {"openapi": "read", "static": "read"}
    for path in sorted(access.HEALTH):
        app.add_url_rule(path, f"health {path}", lambda: json_response({"status": "healthy", "service": "elder-api"}))
    return app


def _harden(response: Response) -> Response:
    response.headers.update(_HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
    return response


_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
