"""A real PgBouncer with its defaults in front of the tests' PostgreSQL, in transaction or in session mode."""

from __future__ import annotations

import os
import pathlib
import shutil

import psycopg
import pytest
from peers import mortal
from peers.absent import missing
from peers.port import free_port
from peers.tcp_proxy import behind
from psycopg.conninfo import conninfo_to_dict
from waiting import until

CONFIGURATION = """
[databases]
* = host={host} port={port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen_port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = {mode}
default_pool_size = {size}
"""

SIZES = {"transaction": 2, "session": 20}
"""Connections to the server: in transaction mode fewer than the clients, so that these share them."""


class PgBouncer:
    """A running pooler."""

    def __init__(self, folder: pathlib.Path, direct: str, mode: str, more: tuple[str, ...] = ()) -> None:
        """`direct` is the URL of a database on the server behind it; `more` are lines of configuration."""
        program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
        if program is None:
            missing("pgbouncer is not installed (deploy/install-peers)")
        self.direct, self.port, self.log = direct, free_port(), folder / "log"
        self._write(folder, mode, more)
        # It refuses to run as root.
        as_user = ["unshare", "--user", "--map-user=1000", "--map-group=1000"] if os.geteuid() == 0 else []
        with self.log.open("wb") as log:
            self._process = mortal.start([*as_user, program, str(folder / "pgbouncer.ini")], stdout=log, stderr=log)
        until(self._answers, lambda: self.log.read_text(errors="replace"))

    def _write(self, folder: pathlib.Path, mode: str, more: tuple[str, ...]) -> None:
        parts, users = conninfo_to_dict(self.direct), folder / "users"
        users.write_text(f'"{parts["user"]}" "{parts["password"]}"\n')
        server = {"host": parts["host"], "port": parts.get("port", 5432)}
        lines = CONFIGURATION.format(**server, listen_port=self.port, users=users, mode=mode, size=SIZES[mode])
        (folder / "pgbouncer.ini").write_text("\n".join([lines, *more, ""]))

    def url(self) -> str:
        """The database through the pooler."""
        return behind(self.port, self.direct)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url()).close()
        except psycopg.OperationalError:
            return False
        return True

    def close(self) -> None:
        """Ends it."""
        self._process.terminate()
        self._process.wait(20)


def start(database: str, folder: pathlib.Path, mode: str, *more: str) -> PgBouncer:
    """A PgBouncer in front of a database, with more lines of configuration."""
    folder.mkdir(exist_ok=True)
    return PgBouncer(folder, database, mode, more)


@pytest.fixture(params=["transaction", "session"])
def pooled(request, database, tmp_path):
    """A PgBouncer in front of the test's database, once in each mode."""
    one = start(database, tmp_path / "pgbouncer", request.param)
    yield one
    one.close()


@pytest.fixture
def transaction_pooled(database, tmp_path):
    """A PgBouncer in transaction mode."""
    one = start(database, tmp_path / "pgbouncer", "transaction")
    yield one
    one.close()
