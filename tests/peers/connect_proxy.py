"""A real forward proxy (tinyproxy) as closed networks have one: it asks for a password, and knows names that nobody else can resolve.

It runs in a mount namespace of its own, where ``/etc/hosts`` says that every name in `CLOSED` is this machine.
"""

from __future__ import annotations

import contextlib
import pathlib
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from peers import mortal
from peers.absent import missing
from peers.port import free_port
from waiting import until

CLOSED = "closed.example"
"""The domain behind the proxy: ``kube.closed.example``, ``sso.closed.example``, ``aws.closed.example``."""

USER, PASSWORD = "elder", "canary-proxy-password"


class ConnectProxy:
    """A running proxy; `url` is its address with credentials."""

    def __init__(self, port: int, log: pathlib.Path) -> None:
        self.host, self._log = f"127.0.0.1:{port}", log
        self.url = self.url_for(PASSWORD)

    def url_for(self, password: str) -> str:
        """Its address with another password."""
        return f"http://{USER}:{quote(password, safe='')}@{self.host}"

    @property
    def connected(self) -> list[str]:
        """Host and port of every CONNECT that it has let through, in their order."""
        return re.findall(r'Established connection to host "([^"]+)"', self._log.read_text())

    @property
    def asked(self) -> list[str]:
        """What it was asked to connect to, whether it did or not."""
        return re.findall(r"CONNECT ([^ ]+) HTTP", self._log.read_text())


@contextlib.contextmanager
def running(folder: pathlib.Path, *ports: int) -> Iterator[ConnectProxy]:
    """The proxy, which connects to `ports` alone (to any, when none is given); it is gone at the end."""
    program = shutil.which("tinyproxy") or missing("tinyproxy is not installed: deploy/install-peers installs it")
    port, log, config, hosts = free_port(), folder / "tinyproxy.log", folder / "tinyproxy.conf", folder / "hosts"
    hosts.write_text("".join(f"127.0.0.1 {name}.{CLOSED}\n" for name in ("kube", "sso", "aws")))
    lines = [f"Port {port}", "Listen 127.0.0.1", "Timeout 60", f'LogFile "{log}"', "LogLevel Connect", f"BasicAuth {USER} {PASSWORD}"]
    config.write_text("\n".join([*lines, *(f"ConnectPort {one}" for one in ports), ""]))
    mounted = 'mount --bind "$0" /etc/hosts && exec "$@"'
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", mounted, str(hosts), *mortal.MORTAL, program, "-d", "-c", str(config)]
    process = mortal.start(command, stdout=subprocess.DEVNULL)
    try:
        until(lambda: process.poll() is not None or _listens(port), "the proxy listens", 20)
        assert process.poll() is None, log.read_text()
        yield ConnectProxy(port, log)
    finally:
        process.terminate()
        process.wait(15)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@pytest.fixture
def connect_proxy(tmp_path: pathlib.Path) -> Iterator[ConnectProxy]:
    """A proxy that connects anywhere."""
    with running(tmp_path) as proxy:
        yield proxy
