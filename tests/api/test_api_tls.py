"""The API over TLS, in a process of its own: what it says to whoever is slow, speaks no TLS or asks for much, and renewed files."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import sys
import time

import pytest
import urllib3
from peers.certificates import Authority
from peers.elder import KEY
from peers.port import free_port
from waiting import until

from worker.sync.client import ApiError, ElderApi
from worker.web.connection import SILENCE

CAP = 60


class Secured:
    """An API that speaks TLS, with an authority of its own."""

    def __init__(self, database: str, folder: pathlib.Path) -> None:
        self.authority = Authority(folder)
        self.certificate, self.key = self.authority.issue()
        self.port, self.log = free_port(), folder / "log"
        self.http = urllib3.PoolManager(retries=False, timeout=30, ca_certs=str(self.authority.ca))
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(self.command, env=self.environment(database), stdout=out, stderr=out)
        until(self._ready, "the API is ready")

    command = (sys.executable, "-m", "worker.cli", "api")

    def environment(self, database: str, **changes: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ELDER_", "PG", "SSL_"))}
        files = {"ELDER_API_TLS_CERT": str(self.certificate), "ELDER_API_TLS_KEY": str(self.key)}
        return kept | {"DATABASE_URL": database, "ELDER_SECRET_KEYS": KEY, "ELDER_API_PORT": str(self.port)} | files | changes

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def _ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            return self.http.request("GET", self.url + "/healthz").status == 200
        return False

    def handshaken(self) -> ssl.SSLSocket:
        """A connection on which no request has been sent."""
        context = ssl.create_default_context(cafile=str(self.authority.ca))
        return context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), 20), server_hostname="localhost")

    def serial(self) -> int:
        """The number of the certificate that a new connection is shown."""
        with self.handshaken() as connection:
            return int(connection.getpeercert()["serialNumber"], 16)


@pytest.fixture(scope="module")
def secured(tmp_path_factory, module_database):
    api = Secured(module_database, tmp_path_factory.mktemp("tls"))
    yield api
    api.http.clear()
    api.process.send_signal(signal.SIGTERM)
    assert api.process.wait(CAP) == 0, api.log.read_text()


def read_all(connection) -> bytes:
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def test_the_api_speaks_https(secured):
    body = {"name": "over TLS", "provider": "aws", "config": {"regions": ["us-east-1"]}}

    made = secured.http.request("POST", secured.url + "/api/v1/discovery/jobs", json=body)
    page = secured.http.request("GET", secured.url + "/")

    assert made.status == 201, made.data
    assert page.status == 200
    assert b"over TLS" in page.data
    assert "listens on https://127.0.0.1:" in secured.log.read_text()


def test_one_connection_serves_many_requests_and_bodies_of_any_size(secured):
    pool = urllib3.HTTPSConnectionPool("localhost", secured.port, ca_certs=str(secured.authority.ca), retries=False, timeout=30, maxsize=1)
    for size in (10, 3_000, 70_000, 900_000):
        answer = pool.request("POST", "/api/v1/organizations", json={"name": "x" * size})
        assert answer.status in (201, 400), (size, answer.status)
        assert json.loads(answer.data)
    assert pool.num_connections == 1


def test_whoever_speaks_no_tls_is_told(secured):
    with socket.create_connection(("127.0.0.1", secured.port), 20) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = read_all(connection)
    head, _, said = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert int(re.search(rb"Content-Length: (\d+)", head)[1]) == len(said)
    assert said == b"this port speaks TLS only: use https://\n"


def test_a_request_in_many_small_parts_is_answered(secured):
    with secured.handshaken() as connection:
        for byte in b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n":
            connection.sendall(bytes([byte]))
        assert read_all(connection).startswith(b"HTTP/1.1 200 OK")


def test_two_requests_sent_at_once_are_both_answered(secured):
    with secured.handshaken() as connection:
        request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n{}\r\n"
        connection.sendall((request.format("") + request.format("Connection: close\r\n")).encode())
        assert read_all(connection).count(b"HTTP/1.1 200 OK") == 2


def test_a_head_without_an_end_is_refused(secured):
    with secured.handshaken() as connection:
        with contextlib.suppress(OSError):
            connection.sendall(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 12_000)
        assert b" 431 " in read_all(connection)


def test_slow_ones_hold_no_thread(secured):
    """More than there are threads: some with half a handshake, some with half a head, some with half a body."""
    with contextlib.ExitStack() as stack:
        for _ in range(70):
            raw = stack.enter_context(socket.create_connection(("127.0.0.1", secured.port), 20))
            raw.sendall(b"\x16\x03\x01\x02\x00\x01")
        for begun in (b"GET /healthz HT", b"POST /api/v1/organizations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{"):
            for _ in range(70):
                stack.enter_context(secured.handshaken()).sendall(begun)
        begin = time.monotonic()
        assert secured.http.request("GET", secured.url + "/healthz").status == 200
        assert time.monotonic() - begin < SILENCE


def test_the_client_of_connectors_trusts_the_named_ca_and_no_other(secured):
    trusting, other = ElderApi(secured.url, "", retries=0, ca_file=str(secured.authority.ca)), ElderApi(secured.url, "", retries=0)
    try:
        trusting.check()
        with pytest.raises(ApiError, match=r"cannot be verified.*name the file of its CA in ELDER_API_CA_BUNDLE"):
            other.check()
    finally:
        trusting.close()
        other.close()


def test_elder_worker_check_reads_the_ca_file_inside_its_confined_process(secured):
    environ = secured.environment("", ELDER_API_URL=secured.url, ELDER_API_CA_BUNDLE=str(secured.authority.ca), LDAP_ENABLED="")
    for name in ("DATABASE_URL", "ELDER_API_TLS_CERT", "ELDER_API_TLS_KEY"):
        environ.pop(name)
    done = subprocess.run([sys.executable, "-m", "worker.cli", "check"], env=environ, capture_output=True, text=True, timeout=CAP)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Elder API" in done.stdout


def test_renewed_files_are_in_use_without_a_restart(secured):
    before = secured.serial()
    secured.authority.issue()
    until(lambda: secured.serial() != before, "new connections are shown the renewed certificate", 30)
    assert "the certificate has been renewed" in secured.log.read_text()


def test_an_api_with_unusable_files_does_not_start(secured, tmp_path):
    environ = secured.environment("postgresql:///x", ELDER_API_PORT=str(free_port()), ELDER_API_TLS_KEY=str(tmp_path / "none.key"))
    done = subprocess.run(secured.command, env=environ, capture_output=True, text=True, timeout=CAP)
    assert done.returncode == 78
    assert f"ELDER_API_TLS_KEY: {tmp_path}/none.key cannot be read (No such file or directory)" in done.stderr
    assert "Traceback" not in done.stderr
