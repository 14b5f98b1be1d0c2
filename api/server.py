"""``elder-worker api``: the application under gunicorn."""

from __future__ import annotations

import logging
import sys
from importlib.util import find_spec
from typing import Any, NoReturn

from flask import Flask

from api.access import LOOPBACK
from api.app import create_app
from api.delivery.deliverer import Deliverer
from worker.cli.main import EXIT_CONFIG
from worker.config.environment import SettingsError
from worker.config.secretbox import SecretBox, SecretBoxError
from worker.config.settings import Settings
from worker.logs import structured as logs
from worker.logs.redact import Redactor
from worker.service import become, inherited
from worker.store.errors import NewerSchema, StoreError
from worker.store.migrate import migrate
from worker.web.server import Gunicorn, encrypted, options, port_problem
from worker.web.tls import Certificate, CertificateError, remarks

log = logging.getLogger("api")


def serve(settings: Settings) -> NoReturn:
    """Becomes the process that serves the API, without the environment that the settings came from. Raises `SettingsError`."""
    _check(settings)
    become("api.server", settings)


def main(fd: int) -> int:
    """Serves the API until a signal stops it, with its memory hidden from other processes of the same user."""
    settings = inherited(fd, Settings)
    logs.configure(settings.log_level, settings.log_format, redactor=Redactor(settings.secret_values()))
    for warning in (*settings.warnings, *(remarks(settings.elder_api_tls_cert) if settings.elder_api_tls_cert else ())):
        log.warning("%s", warning)
    if not _migrate(settings.database_url):
        return EXIT_CONFIG
    host = settings.elder_api_host
    address = f"[{host}]:{settings.elder_api_port}" if ":" in host else f"{host}:{settings.elder_api_port}"
    try:
        secured = _secured(settings)
    except CertificateError as error:  # the files have changed since the check
        log.error("%s", error)
        return EXIT_CONFIG
    log.info("the Elder API listens on %s://%s", "https" if secured else "http", address)
    app = create_app(settings)
    Gunicorn(app, options(address, threads=64, timeout=120) | secured | delivering(app)).run()
    return 0


def delivering(app: Flask) -> dict[str, Any]:
    """The gunicorn settings by which the process that answers requests delivers webhooks, as it has the database and the keys."""
    context = app.extensions["elder"]
    deliverer = Deliverer(context.settings, context.pool, context.box, context.deliveries)
    return {"post_worker_init": lambda _worker: deliverer.start(), "worker_exit": lambda _arbiter, _worker: deliverer.close()}


def _secured(settings: Settings) -> dict[str, Any]:
    """The gunicorn settings of TLS; none when the API speaks http. Raises `CertificateError`."""
    files = settings.elder_api_tls_cert, settings.elder_api_tls_key
    return encrypted(Certificate(*files), files) if all(files) else {}


def _check(settings: Settings) -> None:
    complaints = []
    if not settings.database_url:
        complaints.append("DATABASE_URL is not set: the API needs PostgreSQL")
    if settings.elder_api_host not in LOOPBACK and not settings.elder_api_key:
        complaints.append(f"ELDER_API_HOST is {settings.elder_api_host}: an API that others can reach needs ELDER_API_KEY")
    if settings.elder_oidc_issuer and not find_spec("authlib"):
        complaints.append("ELDER_OIDC_ISSUER is set, and the extra `oidc` is not installed: pip install 'elder-worker[oidc]'")
    try:
        SecretBox(settings.elder_secret_keys)
    except SecretBoxError as error:
        complaints.append(str(error))
    try:
        _secured(settings)
    except CertificateError as error:
        complaints.append(str(error))
    problem = port_problem(settings.elder_api_host, settings.elder_api_port)
    if problem:
        complaints.append(f"{problem}; choose another with ELDER_API_PORT")
    if complaints:
        raise SettingsError(tuple(complaints))


def _migrate(url: str) -> bool:
    """Now if the database is there; else the workers will, and requests say what is wrong until then. False when this API has to stop."""
    try:
        migrate(url)
    except NewerSchema as error:
        log.error("%s", error)
        return False
    except StoreError as error:
        log.error("the schema could not be brought up to date yet: %s", error)
    return True


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
