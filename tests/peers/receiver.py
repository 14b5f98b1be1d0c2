"""Receivers of webhooks: HTTP servers of this process that keep what they are sent, and answer as a test says."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Callable
from typing import NamedTuple

import pytest
from peers.serving import Server


class Received(NamedTuple):
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    """Header names are in lower case."""
    body: bytes


class Receiver:
    """A server on 127.0.0.1. `answers` are the statuses of the next answers, then 204; `answering` answers in its place."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.received: list[Received] = []
        self.answers: list[int] = []
        self.headers: dict[str, str] = {}
        self.body = b""
        self.answering: Callable[[http.server.BaseHTTPRequestHandler], None] | None = None
        self.ending = threading.Event()
        """Set at the end of the test: a handler that keeps its client waiting waits for it."""
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append(Received("POST", self.path, {name.lower(): value for name, value in self.headers.items()}, body))
                if receiver.answering:
                    self.close_connection = True
                    receiver.answering(self)
                    return
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                for name, value in {**receiver.headers, "Content-Length": str(len(receiver.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(receiver.body)

            def do_GET(self) -> None:
                receiver.received.append(Received("GET", self.path, {}, b""))
                self.send_error(404)

            def log_message(self, *_arguments: object) -> None:
                """Nothing: the test says what it wants to know."""

        class Waiting(Server):
            daemon_threads = False

        self._server = Waiting(("127.0.0.1", 0), Handler)
        if context:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_port
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}/hook?of=elder"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def close(self) -> None:
        """Ends the server and its threads."""
        self.ending.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def receiver():
    """A receiver that takes what it is sent."""
    made = Receiver()
    yield made
    made.close()
