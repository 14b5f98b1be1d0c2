"""The Flask application: /healthz (the supervisor's loop turns), /readyz (work can be done), /status (the whole state), /metrics."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Collection, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec
from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException

from worker.config.settings import Settings
from worker.health.metrics import exposition
from worker.health.state import age, read, unhealthy, unready
from worker.version import __version__

SERVICE = "elder-worker"

OPEN = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths that answer under every host name: probes and scrapes come under the name of a pod, a service or a container."""


def create_app(state: int, settings: Settings) -> Flask:
    """Makes the application. `state` is a descriptor of the published state; `settings` are shown, and hold no secrets."""
    app = Flask("worker.health", template_folder="templates", static_folder=None)
    shown, warnings = settings.shown(), settings.warnings
    names = frozenset(name.lower().rstrip(".") for name in settings.health_check_names)

    @app.before_request
    def admit() -> Response | None:
        refusal = refused_body(chunked="Transfer-Encoding" in request.headers) or refused_name(request.path, request.host, names)
        return _json({"error": refusal[1]}, refusal[0]) if refusal else None

    @app.get("/healthz")
    def healthz() -> Response:
        return _health(unhealthy(read(state)))

    @app.get("/readyz")
    def readyz() -> Response:
        return _health(unready(read(state)))

    @app.get("/status")
    def status() -> Response:
        return _json(_status(read(state), shown, warnings))

    @app.get("/metrics")
    def metrics() -> Response:
        body, kind = exposition(read(state), request.headers.get("Accept", ""))
        return Response(body, content_type=kind)

    @app.get("/")
    def page() -> str:
        return render_template("status.html", status=_status(read(state), shown, warnings))

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        return _json({"error": f"{error.name}: there are /healthz, /readyz, /status and /metrics"}, error.code or 500)

    @app.after_request
    def harden(response: Response) -> Response:
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
        return response

    return app


def refused_body(*, chunked: bool) -> tuple[int, str] | None:
    """Status and sentence for a request with a chunked body: nothing here reads one, and a bad one would be answered as if it were good."""
    if chunked:
        return 400, "a request to this port has no body: leave out Transfer-Encoding"
    return None


def refused_name(path: str, host: str, names: Collection[str]) -> tuple[int, str] | None:
    """Status and sentence for a page asked for under a foreign name, as a browser does whose DNS another site controls."""
    name = _host_name(host)
    if path in OPEN or name == "localhost" or name in names or _is_address(name):
        return None
    return 403, f"this page is shown under localhost, an IP address or a name in HEALTH_CHECK_NAMES, not under '{name[:200]}'"


def _host_name(host: str) -> str:
    with contextlib.suppress(ValueError):
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    return ""


def _is_address(name: str) -> bool:
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(name)
        return True
    return False


def _health(problem: str) -> Response:
    body = {"status": "unhealthy" if problem else "healthy", "service": SERVICE}
    return _json({**body, "error": problem} if problem else body, 503 if problem else 200)


def _status(state: dict[str, Any], settings: dict[str, Any], warnings: Sequence[str]) -> dict[str, Any]:
    report = state.get("report") or {}
    problem, hindrance = unhealthy(state), unready(state)
    return {
        "status": "unhealthy" if problem else "degraded" if hindrance else "healthy",
        "service": SERVICE,
        "version": __version__,
        "running": not problem and not state["draining"],
        "error": problem or hindrance,
        "connectors": report.get("connectors", []),
        "discovery": {**report.get("discovery", {}), "pools": state.get("pools", {})},
        "retention": report.get("retention", {}),
        "jobs": state.get("jobs", []),
        "database": report.get("database", {}),
        "services": state.get("services", {}),
        "isolation": state.get("isolation", {}),
        "beat_age_seconds": round(age(state), 3) if state else None,
        "report_age_seconds": round(state["report_age"] + age(state), 3) if state and state["report_age"] is not None else None,
        "started_at": state.get("started_at"),
        "settings": settings,
        "warnings": [*warnings, *state.get("warnings", [])],
    }


def _json(body: dict[str, Any], code: int = 200) -> Response:
    return Response(msgspec.json.format(msgspec.json.encode(body), indent=2) + b"\n", code, content_type="application/json")
