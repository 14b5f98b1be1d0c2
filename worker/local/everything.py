"""One foreground process for everything: embedded PostgreSQL, the API, the worker; with ``--demo`` a simulated AWS account as well.

Data stays under one folder, and is found again by the next start. Ctrl-C ends all of it, in the reverse order of its start; if this
process is killed, the kernel ends the others.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TextIO

import urllib3
from cryptography.fernet import Fernet

from supervisor import kernel
from worker.config.environment import SettingsError
from worker.config.settings import Settings, load
from worker.local import address
from worker.local.postgres import EmbeddedError, EmbeddedPostgres
from worker.web.server import port_problem

READY_SECONDS = 60.0
GRACE_SECONDS = "3"
"""Default of SHUTDOWN_GRACE here: a person waits for the end, and the jobs run again at the next start."""

STOP_SECONDS = 15.0
"""Seconds that one part has to end after SIGTERM, beyond SHUTDOWN_GRACE."""


class Child:
    """One part, as a process: its output goes to a file, and it ends when this process does."""

    def __init__(self, name: str, arguments: list[str], environ: Mapping[str, str], log: Path, secrets: Mapping[str, str]) -> None:
        """`secrets` are variables whose values the process reads once from pipes: they stand in no environment."""
        parent = os.getpid()
        self.name, self.log = name, log
        pipes = {variable: _pipe_of(value) for variable, value in secrets.items()}
        files = {f"{variable}_FILE": f"/proc/self/fd/{fd}" for variable, fd in pipes.items()}
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                env={name: value for name, value in environ.items() if name not in secrets} | files,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                pass_fds=pipes.values(),
                preexec_fn=lambda: kernel.die_with_parent(parent),  # noqa: PLW1509 - this process has one thread
            )
        for fd in pipes.values():
            os.close(fd)

    def stop(self, timeout: float) -> None:
        """Sends SIGTERM, and SIGKILL when the process has not ended within `timeout` seconds."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def last_line(self) -> str:
        """The last line of its log, which says why it ended."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it wrote nothing"


class Everything:
    """All parts, in the order of their start."""

    def __init__(self, folder: Path, environ: Mapping[str, str], say: Callable[[str], None]) -> None:
        self.folder, self._say = folder, say
        self.logs = folder / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.environ = {
            "LOG_FORMAT": "text",
            "SHUTDOWN_GRACE": GRACE_SECONDS,
            "HEALTH_CHECK_HOST": "127.0.0.1",
            "ELDER_API_HOST": "127.0.0.1",
            **environ,
            "ELDER_SECRET_KEYS_FILE": str(_key_file(folder)),
        }
        for name in ("DATABASE_URL", "DATABASE_READ_URL", "ELDER_API_TLS_CERT", "ELDER_API_TLS_KEY", "ELDER_API_CA_BUNDLE"):
            for variable in (name, f"{name}_FILE"):
                self.environ.pop(variable, None)  # those of another database, and of an API that is not on loopback
        self.settings: Settings = load(self.environ)
        self._check_ports()
        self.api = f"http://127.0.0.1:{self.settings.elder_api_port}"
        self.health = f"http://127.0.0.1:{self.settings.health_check_port}"
        self.environ["ELDER_API_URL"] = self.api
        self._postgres = EmbeddedPostgres(folder / "postgres", within=_mortal(), bin_folder=self.settings.elder_postgres_bin)
        self.children: list[Child] = []
        self._announced: TextIO | None = None
        self._http = urllib3.PoolManager(retries=False, timeout=10.0)

    def start(self) -> None:
        """Starts PostgreSQL, the API and the worker, and waits until they answer. Raises `EmbeddedError`."""
        self._say("starting PostgreSQL")
        self._postgres.start()
        secrets = {"DATABASE_URL": self._postgres.url()}
        self._say("starting the API and the worker")
        self.add("api", ["worker.cli", "api"], secrets)
        self._await(f"{self.api}/healthz")
        self.add("worker", ["worker.cli", "run"], secrets)
        self._await(f"{self.health}/readyz")
        self._announced = address.announce(self.folder, self.api)

    def add(self, name: str, arguments: list[str], secrets: Mapping[str, str] = MappingProxyType({})) -> Child:
        """Starts one more part as a child process. `secrets` are variables that it reads from pipes."""
        child = Child(name, arguments, self.environ, self.logs / f"{name}.log", secrets)
        self.children.append(child)
        return child

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Calls the Elder API that was started here. Raises `EmbeddedError`."""
        headers = {"Content-Type": "application/json"}
        if self.settings.elder_api_key:
            headers["Authorization"] = f"Bearer {self.settings.elder_api_key}"
        response = self._http.request(method, self.api + path, body=json.dumps(body) if body else None, headers=headers)
        answer: dict[str, Any] = response.json()
        if response.status >= 400:
            raise EmbeddedError(f"{method} {path} was refused: {answer.get('error')} {' '.join(answer.get('details', ()))}")
        return answer

    def watch(self) -> None:
        """Waits until one of the parts has ended, and raises `EmbeddedError` then."""
        while True:
            self.check_alive()
            time.sleep(0.5)

    def check_alive(self) -> None:
        """Raises `EmbeddedError` when one of the parts has ended."""
        for child in self.children:
            if child.process.poll() is not None:
                raise EmbeddedError(f"the {child.name} ended: {child.last_line()} (all of it is in {child.log})")

    def close(self) -> None:
        """Ends all parts, in the reverse order of their start."""
        if self._announced:
            self._announced.close()
        for child in reversed(self.children):
            child.stop(self.settings.shutdown_grace + STOP_SECONDS)
        self._postgres.close()

    def _await(self, url: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            self.check_alive()
            try:
                if self._http.request("GET", url).status == 200:
                    return
            except urllib3.exceptions.HTTPError:
                pass  # not yet
            time.sleep(0.05)
        raise EmbeddedError(f"{url} does not answer within {READY_SECONDS:g} s; the logs are in {self.logs}")

    def _check_ports(self) -> None:
        ports = (("ELDER_API_PORT", self.settings.elder_api_port), ("HEALTH_CHECK_PORT", self.settings.health_check_port))
        problems = [(name, port_problem("127.0.0.1", port)) for name, port in ports]
        complaints = tuple(f"{problem}; choose another port with {name}=..." for name, problem in problems if problem)
        if complaints:
            raise SettingsError(complaints)


def _mortal() -> tuple[str, ...]:
    """A command that becomes another one, which the kernel asks to end when this process ends: PostgreSQL then loses nothing."""
    return ("setpriv", "--pdeathsig", "INT", "--") if shutil.which("setpriv") else ()


def _pipe_of(text: str) -> int:
    """The read end of a pipe that holds the text and nothing more; a pipe holds 4 KB at least."""
    reader, writer = os.pipe()
    os.write(writer, text.encode())
    os.close(writer)
    return reader


def _key_file(folder: Path) -> Path:
    """The file with the key that secrets are sealed with; made once, readable by its owner alone."""
    path = folder / "keys"
    if not path.exists():
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(fd, Fernet.generate_key())
        os.close(fd)
    return path
