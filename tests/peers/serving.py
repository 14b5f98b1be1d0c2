"""Serves an HTTP handler from a thread of this process: what the peers that we write ourselves stand on."""

from __future__ import annotations

import contextlib
import http.server
import json
import ssl
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Headers = Mapping[str, str] | Iterable[tuple[str, str]]


class Handler(http.server.BaseHTTPRequestHandler):
    """Keeps connections, writes no log, and answers with JSON. `base` is the URL of its server."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    """Sends the body at once: otherwise it waits 40 ms for the client to confirm the headers."""
    base: str

    def log_message(self, *_: object) -> None:
        """Drops the line of a request."""

    def answer(self, status: int, body: Any, headers: Headers = (), *, missing: int = 0) -> None:
        """Sends JSON, or bytes as they are. With `missing`, so many bytes more are announced than are sent before the connection is closed.

        Headers may be repeated, as pairs or as a value of several lines.
        """
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        pairs = [*(headers.items() if isinstance(headers, Mapping) else headers)]
        if "content-type" not in {name.lower() for name, _ in pairs}:
            pairs.append(("Content-Type", "application/json"))
        for name, value in pairs:
            for line in value.split("\n"):
                self.send_header(name, line)
        self.send_header("Content-Length", str(len(data) + missing))
        self.end_headers()
        self.wfile.write(data)
        self.close_connection = self.close_connection or missing > 0


class Server(http.server.ThreadingHTTPServer):
    """A thread for each connection."""

    daemon_threads = True
    request_queue_size = 128
    """Connections that wait for their thread. Past them (5 by default), Linux lets a client wait for longer and longer: a minute on a loaded machine."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Drops errors of connections: a client that goes away, or does not trust our certificate, is a part of some tests."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


@contextlib.contextmanager
def serving(handler: type[Handler], tls: ssl.SSLContext | None = None, **state: Any) -> Iterator[str]:
    """Yields the URL at which a handler serves, by HTTPS if there is a context. `state` becomes attributes of the handler's class."""
    server = Server(("127.0.0.1", 0), handler)
    url = f"{'https' if tls else 'http'}://{'localhost' if tls else '127.0.0.1'}:{server.server_port}"
    server.RequestHandlerClass = type("Bound", (handler,), {"base": url, **state})
    if tls:  # the thread of a connection makes its handshake, so that nobody waits for it
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="peer")
    thread.start()
    try:
        yield url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
