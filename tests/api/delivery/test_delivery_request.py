"""One request to a receiver: no redirect, little of an answer, an end in time whatever the receiver does, and the address that was checked."""

from __future__ import annotations

import socket
import ssl
import threading
import time

import pytest
from peers.receiver import Receiver as Server
from waiting import slowness

from api.delivery import receiver, request
from api.delivery.receiver import Receiver
from api.delivery.request import NoAnswer, post
from providers.http.tls import tls
from worker.config.proxies import networks

LOCAL = networks(["127.0.0.1"])
SHORT = 0.5
"""Seconds of a time-out that a test waits for."""


def send(url: str, *, timeout: float = 10.0, context: ssl.SSLContext | None = None, addresses=("127.0.0.1",), **headers: str):
    return post(receiver.parse(url, LOCAL), addresses, b'{"a": 1}', headers, context or tls(), timeout)


def test_a_request_as_it_arrives(receiver):
    assert send(receiver.url, **{"webhook-id": "7"}) == (204, b"", 0.0)

    [got] = receiver.received
    assert (got.path, got.body, got.headers["webhook-id"]) == ("/hook?of=elder", b'{"a": 1}', "7")
    assert got.headers["host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(receiver, status):
    receiver.answers, receiver.headers = [status], {"Location": f"http://127.0.0.1:{receiver.port}/elsewhere"}

    assert send(receiver.url).status == status
    assert [got.path for got in receiver.received] == ["/hook?of=elder"]


def test_the_environments_proxy_is_not_used(receiver, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    assert send(receiver.url).status == 204


def test_of_a_huge_answer_the_beginning_is_read(receiver):
    receiver.body = b"x" * 5_000_000

    assert send(receiver.url) == (204, b"", 0.0)  # by its status it has no body
    receiver.answers = [200]
    assert send(receiver.url) == (200, b"x" * request.SHOWN, 0.0)


def test_an_endless_answer_counts_by_its_status(receiver):
    def drip(handler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        while not receiver.ending.wait(0.02):
            handler.wfile.write(b"1\r\nx\r\n")

    receiver.answering = drip

    assert send(receiver.url, timeout=SHORT).status == 200


def _silent(_handler, receiver) -> None:
    receiver.ending.wait()


def _dripping_head(handler, receiver) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while not receiver.ending.wait(0.02):
        handler.wfile.write(b"X-More: and more\r\n"[:1])


def _only_informing(handler, receiver) -> None:
    while not receiver.ending.wait(0.02):
        handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")


@pytest.mark.parametrize("slow", [_silent, _dripping_head, _only_informing])
def test_a_slow_receiver_is_cut_off(receiver, slow):
    receiver.answering = lambda handler: slow(handler, receiver)
    began = time.monotonic()

    with pytest.raises(NoAnswer, match=r"127\.0\.0\.1 has not answered within 0\.5 s"):
        send(receiver.url, timeout=SHORT)

    assert time.monotonic() - began < 5 * slowness()
    assert [thread.name for thread in threading.enumerate() if isinstance(thread, threading.Timer)] == []


def test_a_receiver_that_never_ends_the_handshake_of_tls_is_cut_off():
    with socket.create_server(("127.0.0.1", 0)) as listening, pytest.raises(NoAnswer, match="has not answered within"):
        send(f"https://127.0.0.1:{listening.getsockname()[1]}/", timeout=SHORT)


def test_nobody_listens_and_no_http(receiver):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(NoAnswer, match="cannot be reached"):
        send(f"http://127.0.0.1:{port}/")

    receiver.answering = lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH_9.7\r\n")
    with pytest.raises(NoAnswer, match="does not speak HTTP"):
        send(receiver.url)


@pytest.fixture
def secured(authority):
    """A receiver that speaks TLS as hooks.example."""
    server = Server(authority.server_context("hooks.example"))
    yield server
    server.close()


def test_the_connection_goes_to_the_address_and_the_certificate_is_the_names(secured, authority, monkeypatch):
    """The name is not looked up again: a second answer of its server would lead elsewhere."""
    monkeypatch.setattr(socket, "gethostbyname", None)
    to = Receiver("https", "hooks.example", secured.port, "/hook")

    assert post(to, ["127.0.0.1"], b"{}", {}, tls(str(authority.ca))).status == 204
    assert secured.received[0].headers["host"] == f"hooks.example:{secured.port}"
    with pytest.raises(NoAnswer, match=r"the certificate of other\.example is refused: .*ELDER_WEBHOOK_CA_BUNDLE"):
        post(to._replace(host="other.example"), ["127.0.0.1"], b"{}", {}, tls(str(authority.ca)))
    with pytest.raises(NoAnswer, match=r"the certificate of hooks\.example is refused"):
        post(to, ["127.0.0.1"], b"{}", {}, tls())


def test_the_next_address_is_tried_where_the_first_refuses(receiver):
    assert send(receiver.url, addresses=["127.0.0.2", "127.0.0.1"]).status == 204
