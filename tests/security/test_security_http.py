"""Whoever can reach a port of ours and means no good: oversized, slow, wrong, many. Group G of the fault catalogue."""

from __future__ import annotations

import contextlib
import http.client
import os
import pathlib
import resource
import select
import socket
import statistics
import subprocess
import sys
import time

import pytest
import urllib3
from cryptography.fernet import Fernet
from peers.port import free_port
from waiting import until

from worker.web.buffering import HEAD_TIMEOUT, MAX_HEAD

ROOT = pathlib.Path(__file__).resolve().parents[2]
CROWD = 5000
"""Connections at once."""


@contextlib.contextmanager
def served(folder, command, environ, port):
    """One of our services as a user starts it."""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environ}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "worker.cli", command], env=environ, stdout=log, stderr=log, cwd=folder)
    try:
        until(lambda: status(port) == 200, "it answers")
        yield port, folder / "log"
    finally:
        process.terminate()
        assert process.wait(40) == 0


@pytest.fixture(params=["run", "api"])
def port_and_log(request, tmp_path, database):
    """Of the health endpoints, and of the API."""
    port = free_port()
    if request.param == "run":
        environ = {"HEALTH_CHECK_HOST": "127.0.0.1", "HEALTH_CHECK_PORT": str(port)}
    else:
        environ = {"ELDER_API_PORT": str(port), "DATABASE_URL": database, "ELDER_SECRET_KEYS": Fernet.generate_key().decode()}
    with served(tmp_path, request.param, environ, port) as found:
        yield found


def status(port, path="/healthz", method="GET", **more):
    with contextlib.suppress(urllib3.exceptions.HTTPError), urllib3.PoolManager(retries=False, timeout=60) as pool:
        return pool.request(method, f"http://127.0.0.1:{port}{path}", **more).status
    return None


def said(port, data: bytes) -> bytes:
    """What the server answers to those bytes, to the end."""
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(data)
        parts = []
        with contextlib.suppress(OSError):
            while part := connection.recv(65536):
                parts.append(part)
        return b"".join(parts)


HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
ODDITIES = {
    "header_of_1_mb": HEAD + b"X: " + b"x" * (1 << 20) + b"\r\n\r\n",
    "headers_without_end": HEAD + b"X: y\r\n" * 5000 + b"\r\n",
    "line_of_1_mb": b"GET /" + b"x" * (1 << 20) + b" HTTP/1.1\r\n\r\n",
    "no_http": b"\x16\x03\x01\x02\x00\x01\x00" + b"\0" * 200 + b"\r\n\r\n",
    "wrong_method": b"BREW /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "delete": b"DELETE /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "wrong_length": HEAD + b"Content-Length: x\r\n\r\n",
    "two_lengths": HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "smuggled": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
    "bad_chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "path_out": b"GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "nul": b"GET /%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "expect": HEAD + b"Expect: 200-ok\r\n\r\n",
}


def test_g12_oddities_are_refused_without_a_word_of_how_we_are_made(port_and_log):
    port, log = port_and_log
    for name, data in ODDITIES.items():
        answer = said(port, data)
        assert not answer or answer.startswith(b"HTTP/1."), (name, answer[:200])
        assert not answer or answer.split(b" ", 2)[1] in (
            b"200",
            b"400",
            b"404",
            b"405",
            b"408",
            b"411",
            b"413",
            b"414",
            b"417",
            b"431",
            b"501",
        ), (
            name,
            answer[:200],
        )
        for word in (b"Traceback", b'File "', b"root:"):
            assert word not in answer, (name, answer[:500])
        assert status(port) == 200, name
    moved = HEAD.replace(b"/healthz", b"/x/healthz")
    without, named = (
        said(port, moved + header + b"\r\n").split(b" ")[1] for header in (b"", b"SCRIPT_NAME: /x\r\nX-Forwarded-Proto: https\r\n")
    )
    assert named == without != b"200", "no header says where a path begins"
    assert "Traceback" not in log.read_text(errors="replace")


@pytest.fixture
def plenty_of_descriptors():
    """For both ends: the server inherits them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * CROWD
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("plenty_of_descriptors")
def test_g12_many_and_slow_ones_keep_nobody_from_healthz(port_and_log):
    """A crowd that says nothing, one that never ends its headers, one that never ends its body, one that never leaves, all of them dripping."""
    port, log = port_and_log
    beginnings = (
        b"",
        HEAD,
        b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
        HEAD + b"\r\n",
    )
    with contextlib.ExitStack() as crowd:
        ones = []
        for number in range(CROWD):
            ones.append(crowd.enter_context(socket.create_connection(("127.0.0.1", port), 20)))
            ones[-1].sendall(beginnings[number % len(beginnings)])
        took = []
        for _ in range(20):
            for one in ones[:: len(ones) // 200]:
                with contextlib.suppress(OSError):
                    one.send(b"x")
            began = time.monotonic()
            assert status(port) == 200
            took.append(time.monotonic() - began)
    print(f"median {statistics.median(took) * 1000:.0f} ms, worst {max(took) * 1000:.0f} ms")
    assert max(took) < HEAD_TIMEOUT, "nobody waits for the slow ones"
    assert "Traceback" not in log.read_text(errors="replace")


BODY = b'{"name": "x"}'
REQUEST = b"POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(BODY), BODY)


def test_g12_a_request_in_pieces_is_answered_once_it_is_whole(port_and_log):
    """Again and again on one connection, which is kept."""
    port, _ = port_and_log
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for size in (1, 20, len(REQUEST) - 1, len(REQUEST)):
            for at in range(0, len(REQUEST), size):
                assert not select.select([connection], [], [], 0)[0], "nothing is said to half a request"
                connection.sendall(REQUEST[at : at + size])
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert answer.status == 404 and answer.read()


def test_g12_requests_in_one_go_are_all_answered(port_and_log):
    port, _ = port_and_log
    assert said(port, REQUEST * 3 + HEAD + b"\r\n").count(b"HTTP/1.1 ") == 4


def test_g12_a_large_body_is_read_though_it_does_not_fit(port_and_log):
    port, _ = port_and_log
    assert status(port, "/nothing", method="POST", body=b"x" * (MAX_HEAD * 4)) in (404, 413)


def test_g12_who_waits_for_a_word_before_the_body_gets_it(port_and_log):
    port, _ = port_and_log
    head, body = REQUEST[: -len(BODY)], REQUEST[-len(BODY) :]
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(head.replace(b"\r\nHost", b"\r\nExpect: 100-continue\r\nHost"))
        assert connection.recv(100).startswith((b"HTTP/1.1 100 ", b"HTTP/1.1 404 ")), "at once: nothing more comes before that"
        connection.sendall(body)


CHUNKS = {
    "size_no_number": b"zz\r\n",
    "size_negative": b"-1\r\nx\r\n0\r\n\r\n",
    "size_signed": b"+1\r\nx\r\n0\r\n\r\n",
    "size_empty": b"\r\nx\r\n0\r\n\r\n",
    "size_in_0x": b"0x1\r\nx\r\n0\r\n\r\n",
    "size_with_blanks": b" 1 \r\nx\r\n0\r\n\r\n",
    "size_endless": b"1" * 9000 + b"\r\n",
    "data_longer_than_said": b"1\r\nxyz\r\n0\r\n\r\n",
    "extension_broken": b'1;a="\r\nx\r\n0\r\n\r\n',
    "trailer_broken": b"0\r\nno header\r\n\r\n",
}


def request(method: bytes, path: bytes) -> bytes:
    kind = b"Content-Type: application/json\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    return method + b" " + path + b" HTTP/1.1\r\nHost: localhost\r\n" + kind


def test_chunked_nonsense_is_400_at_the_api(tmp_path, database):
    port, key = free_port(), Fernet.generate_key().decode()
    environ = {"ELDER_API_PORT": str(port), "DATABASE_URL": database, "ELDER_SECRET_KEYS": key}
    body = b'{"name": "x"}'
    with served(tmp_path, "api", environ, port) as (_, log):
        for method, path in (
            (b"POST", b"/api/v1/organizations"),
            (b"POST", b"/api/v1/discovery/jobs/1/queue"),
            (b"GET", b"/"),
            (b"GET", b"/healthz"),
        ):
            for name, chunks in CHUNKS.items():
                answer = said(port, request(method, path) + chunks)
                assert answer.split(b" ", 2)[1:2] == [b"400"], (method, path, name, answer[:300])
        good = said(port, request(b"POST", b"/api/v1/organizations") + b"%x;a=b\r\n%s\r\n0\r\nX: y\r\n\r\n" % (len(body), body))
        assert good.startswith(b"HTTP/1.1 201"), good[:300]
        assert "Traceback" not in log.read_text(errors="replace")


def test_chunked_nonsense_is_400_at_the_health_port(tmp_path):
    port = free_port()
    with served(tmp_path, "run", {"HEALTH_CHECK_HOST": "127.0.0.1", "HEALTH_CHECK_PORT": str(port)}, port) as (_, log):
        for path in (b"/healthz", b"/status", b"/", b"/nothing"):
            for name, chunks in CHUNKS.items():
                answer = said(port, request(b"GET", path) + chunks)
                assert answer.split(b" ", 2)[1:2] == [b"400"], (path, name, answer[:300])
        assert "Traceback" not in log.read_text(errors="replace")
