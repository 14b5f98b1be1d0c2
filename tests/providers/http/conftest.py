"""A server that answers by script, and a clock that nobody waits for."""

from __future__ import annotations

import http.server
import threading

import pytest

from providers.http import retry
from providers.http.client import Http


class Server:
    """Answers by script: (status, body, headers) or a function that is given the handler; requests are kept."""

    def __init__(self) -> None:
        self.script, self.requests = [], []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.requests.append((self.path, dict(self.headers)))
                step = outer.script.pop(0) if len(outer.script) > 1 else outer.script[0]
                if callable(step):
                    step(self)
                    return
                status, body, *headers = step
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()


@pytest.fixture
def server():
    one = Server()
    yield one
    one.server.shutdown()
    one.server.server_close()
    one.thread.join()


@pytest.fixture
def waits(monkeypatch):
    """The seconds that were waited, without waiting."""
    waits = []
    monkeypatch.setattr(retry, "wait", waits.append)
    return waits


@pytest.fixture
def http_client(server, waits):
    with Http(server.url, "Weather", headers={"Authorization": "Bearer s3cret"}) as one:
        yield one
