"""A reverse proxy over HTTP, by TLS where wanted, that passes requests on to a real server and breaks those that a test names."""

from __future__ import annotations

import contextlib
import http.server
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3
from peers.serving import Server

HOP = {"content-length", "connection", "transfer-encoding", "server", "date"}
"""Headers that are of one connection, or that our own answer has anyway."""


@dataclass(frozen=True)
class Request:
    """What is asked; `path` has the query."""

    method: str
    path: str
    headers: urllib3.HTTPHeaderDict
    body: bytes = b""


@dataclass(frozen=True)
class Reply:
    """An answer, the target's or one in its place."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cut:
    """The connection is closed after these bytes; when there are none given, in the middle of the body of the target's own answer."""

    after: bytes | None = None


@dataclass(frozen=True)
class Asked:
    """The target is asked this instead, so that what comes back is its own."""

    more_query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


Verdict = Reply | Cut | Asked | None
"""None: passed on as it is."""

Rule = Callable[[Any], Any]
"""Of a request, or of what a subclass takes it for, to a verdict, or to what the subclass makes one of."""


class Proxy:
    """The proxy: `requests` is what was asked, `rule` what is to happen. `ca` is what signs the certificate of a target with TLS."""

    def __init__(self, target: str, rule: Rule = lambda _: None, *, tls: ssl.SSLContext | None = None, ca: str = "") -> None:
        self.rule = rule
        self.requests: list[Request] = []
        self._target = target
        self._http = urllib3.PoolManager(maxsize=32, retries=False, **({"ca_cert_data": ca} if ca else {}))
        self._server = Server(("127.0.0.1", 0), type("Bound", (Handler,), {"proxy": self}))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        if tls:  # the handshake is made by the thread of its connection, so that nobody waits for it
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
            self.url = f"https://localhost:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="http-proxy")
        self._thread.start()

    def verdict(self, request: Request) -> Verdict:
        """What becomes of a request."""
        verdict: Verdict = self.rule(request)
        return verdict

    @contextlib.contextmanager
    def broken(self, rule: Rule) -> Iterator[None]:
        """Breaks what the rule names while the block runs."""
        usual, self.rule = self.rule, rule
        try:
            yield
        finally:
            self.rule = usual

    def ask(self, request: Request, instead: Asked) -> Reply:
        """The target's own answer."""
        headers = request.headers.copy()
        headers.discard("Connection")
        for name, value in instead.headers.items():
            headers[name] = value
        url = self._target + request.path
        if instead.more_query:
            url += ("&" if "?" in request.path else "?") + instead.more_query
        real = self._http.request(request.method, url, body=request.body, headers=headers, decode_content=False)
        return Reply(real.status, real.data, {name: value for name, value in real.headers.items() if name.lower() not in HOP})

    def close(self) -> None:
        """Ends the proxy."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._http.clear()


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    """Sends the body at once: otherwise it waits 40 ms for the client to confirm the headers."""
    proxy: Proxy

    def do(self) -> None:
        """Answers, or does not, as the verdict is."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, urllib3.HTTPHeaderDict(self.headers.items()), body)
        self.proxy.requests.append(request)
        verdict = self.proxy.verdict(request)
        if isinstance(verdict, Cut):
            self.close_connection = True
            if verdict.after is not None:
                self.wfile.write(verdict.after)
                return
        reply = verdict if isinstance(verdict, Reply) else self.proxy.ask(request, verdict if isinstance(verdict, Asked) else Asked())
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body[: len(reply.body) // 2] if isinstance(verdict, Cut) else reply.body)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do

    def log_message(self, *_: object) -> None:
        """Silence."""
