"""The Elder API in a thread of the test, with every request written down, and some answered with 503 when the test says so."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from peers.elder import ElderClient, settings
from werkzeug.serving import make_server

from api.app import create_app


class Recorded:
    """`requests` are (method, path, body); `fails` says of a path whether it is answered with 503."""

    def __init__(self, database: str) -> None:
        self.app = create_app(settings(database))
        self.client = ElderClient(self.app)
        self.requests: list[tuple[str, str, Any]] = []
        self.fails: Callable[[str], bool] = lambda _path: False
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="recorded API")
        self._thread.start()

    def bodies(self, path: str) -> list[Any]:
        """Of the requests to a path."""
        return [body for _, one, body in self.requests if one == path]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.app.extensions["elder"].pool.close()

    def _answer(self, environ, start_response):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        path = environ["PATH_INFO"]
        self.requests.append((environ["REQUEST_METHOD"], path, json.loads(body) if body else None))
        if self.fails(path):
            start_response("503 SERVICE UNAVAILABLE", [("Content-Type", "application/json")])
            return [b'{"error": "not now", "details": []}']
        return self.app(environ | {"wsgi.input": io.BytesIO(body)}, start_response)


@pytest.fixture
def recorded(database):
    api = Recorded(database)
    yield api
    api.close()
