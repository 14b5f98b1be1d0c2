"""``elder-worker api``: the application under gunicorn."""

from __future__ import annotations

import logging
import sys
from typing import NoReturn

from api.access import LOOPBACK
from api.app import create_app
from worker.cli.main import EXIT_CONFIG
from worker.config.environment import SettingsError
from worker.config.secretbox import SecretBox, SecretBoxError
from worker.config.settings import Settings
from worker.logs import structured as logs
from worker.logs.redact import Redactor
from worker.service import become, inherited
from worker.store.errors import NewerSchema, StoreError
from worker.store.migrate import migrate
from worker.web.server import Gunicorn, options, port_problem

log = logging.getLogger("api")


def serve(settings: Settings) -> NoReturn:
    """Becomes the process that serves the API, without the environment that the settings came from. Raises `SettingsError`."""
    _check(settings)
    become("api.server", settings)


def main(fd: int) -> int:
    """Serves the API until a signal stops it, with its memory hidden from other processes of the same user."""
    settings = inherited(fd, Settings)
    logs.configure(settings.log_level, settings.log_format, redactor=Redactor(settings.secret_values()))
    for warning in settings.warnings:
        log.warning("%s", warning)
    if not _migrate(settings.database_url):
        return EXIT_CONFIG
    host = settings.elder_api_host
    address = f"[{host}]:{settings.elder_api_port}" if ":" in host else f"{host}:{settings.elder_api_port}"
    log.info("the Elder API listens on %s", address)
    Gunicorn(create_app(settings), options(address, threads=64, timeout=120)).run()
    return 0


def _check(settings: Settings) -> None:
    complaints = []
    if not settings.database_url:
        complaints.append("DATABASE_URL is not set: the API needs PostgreSQL")
    if settings.elder_api_host not in LOOPBACK and not settings.elder_api_key:
        complaints.append(f"ELDER_API_HOST is {settings.elder_api_host}: an API that others can reach needs ELDER_API_KEY")
    try:
        SecretBox(settings.elder_secret_keys)
    except SecretBoxError as error:
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
