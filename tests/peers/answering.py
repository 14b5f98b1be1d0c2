"""What the fakes of JSON APIs share: a state that a handler answers from, a judge of every request and answer, faults by predicate."""

from __future__ import annotations

import contextlib
import http.server
import json
import ssl
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

Reply = tuple[int, dict[str, str], Any]
"""Status, headers, body. Status 0 cuts the connection in the middle of an answer."""


class Fake:
    """State behind a server. A subclass has `reply`, and `judge` to hold against the vendor's own description."""

    token = ""
    scheme = "Bearer"

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.problems: list[str] = []
        self.fault: Callable[[str, dict[str, str]], Reply | None] = lambda _path, _query: None
        self.before: Callable[[str, dict[str, str]], None] = lambda _path, _query: None
        self.lock = threading.Lock()

    def reply(self, path: str, query: dict[str, str]) -> Reply:
        """The answer to a GET."""
        raise NotImplementedError

    def refusal(self) -> Reply:
        """To whoever has the wrong token."""
        raise NotImplementedError

    def judge_request(self, path: str, query: dict[str, str]) -> list[str]:
        """What is wrong with a request."""
        raise NotImplementedError

    def judge_answer(self, path: str, status: int, body: Any) -> list[str]:
        """What is wrong with an answer of ours."""
        raise NotImplementedError

    def answered(self, path: str, query: dict[str, str], authorization: str) -> Reply:
        """The whole way of a request."""
        with self.lock:
            self.requests.append((path, query))
            self.problems += self.judge_request(path, query)
            self.before(path, query)
            fault = self.fault(path, query)
            if fault is not None:
                return fault
            status, headers, body = self.reply(path, query) if authorization == f"{self.scheme} {self.token}" else self.refusal()
            self.problems += self.judge_answer(path, status, body)
            return status, headers, body


class Handler(http.server.BaseHTTPRequestHandler):
    """Passes GETs to a `Fake`; nothing else is answered, as nothing else may be asked."""

    protocol_version = "HTTP/1.1"
    fake: Fake

    def log_message(self, *_: object) -> None:
        """Silence."""

    def do_GET(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        status, headers, body = self.fake.answered(url.path, query, self.headers.get("Authorization", ""))
        data = json.dumps(body).encode()
        self.send_response(status or 200)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            for one in value.split("\n"):
                self.send_header(name, one)
        self.send_header("Content-Length", str(len(data) if status else len(data) + 100))
        self.end_headers()
        self.wfile.write(data)
        self.close_connection = self.close_connection or not status


@contextlib.contextmanager
def serving(fake: Fake, tls: ssl.SSLContext | None = None) -> Iterator[Fake]:
    """The fake behind a port of this machine; at the end, everything that it was asked and said must have been right."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"fake": fake}))
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_port}"
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        fake.url = f"https://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert not fake.problems, fake.problems[:5]
