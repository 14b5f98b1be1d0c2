"""``elder-worker bootstrap FOLDER``: the secrets of a Compose installation, each in a file, made once where the environment sets none.

Three folders come about, each for a volume of its own: `owner` for PostgreSQL and the migration, `app` for the API, and `worker`. The
worker's key of the API, `worker/api-key`, is the API's ELDER_SYNC_KEY, and not its first admin key.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from cryptography.fernet import Fernet

from worker.cli.main import CommandError

OWNER, APP = "elder", "elder_app"
"""The roles of PostgreSQL: the one that owns the schema, and the one that reads and writes rows."""

URL = "postgresql://{role}:{password}@postgres:5432/elder"

BYTES = 24


def main(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Writes what is missing, and what the environment sets; says what was made."""
    folder, made = Path(options.folder), list[str]()

    def keep(name: str, variable: str, make: Callable[[], str]) -> str:
        value = environ.get(variable) or _text(folder / name)
        if not value:
            made.append(name)
        return _write(folder / name, value or make())

    try:
        with _alone(folder / "owner"):
            _check_password(environ.get("POSTGRES_PASSWORD", ""), folder / "owner/password")
            owner = keep("owner/password", "POSTGRES_PASSWORD", _random)
            app = keep("owner/app-password", "", _random)
            keep("app/api-key", "ELDER_API_KEY", _random)
            _write(folder / "worker/api-key", keep("app/sync-key", "ELDER_SYNC_KEY", _random))
            _write(folder / "owner/database-url", URL.format(role=OWNER, password=quote(owner, safe="")))
            secret_keys = keep("app/secret-keys", "ELDER_SECRET_KEYS", lambda: Fernet.generate_key().decode())
            for name in ("app", "worker"):
                _write(folder / name / "secret-keys", secret_keys)
                _write(folder / name / "database-url", URL.format(role=APP, password=quote(app, safe="")))
    except OSError as error:
        raise CommandError(f"the secrets cannot be kept in {folder}: {error}") from None
    print(f"made: {', '.join(made)}" if made else "every secret is there")
    return 0


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Waits until no other process writes here, and keeps others waiting. The kernel ends the lock of a process that is killed."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _check_password(given: str, file: Path) -> None:
    """Raises `CommandError` for a password other than the one that the database was made with: PostgreSQL would not learn of it."""
    if given and (kept := _text(file)) and kept != given:
        raise CommandError(
            "POSTGRES_PASSWORD is not the password that the database was made with: unset it, or change the role first "
            f"(alter role {OWNER} password '...') and then delete {file}"
        )


def _random() -> str:
    return secrets.token_urlsafe(BYTES)


def _text(file: Path) -> str:
    return file.read_text().strip() if file.exists() else ""


def _write(file: Path, value: str) -> str:
    """Writes the file whole or not at all. Everybody to whom the volume is given may read it: their containers have users of their own."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if _text(file) != value:
        new = file.with_suffix(".new")
        new.unlink(missing_ok=True)  # of one that was killed: it may not be written
        new.write_text(value)
        new.chmod(0o444)
        new.replace(file)
    return value
