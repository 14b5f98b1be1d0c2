"""The Elder API over a real PostgreSQL. Every JSON answer is held against the API's own OpenAPI document."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from command_runner import CommandRunner
from cryptography.fernet import Fernet
from waiting import CAP
from werkzeug.serving import make_server

from api.app import create_app
from worker.config.settings import load
from worker.store.queue import PostgresQueue

COMMAND = (sys.executable, "-c", "from api.client.main import main; main(prog_name='elder')")
"""The command `elder`, of this tree."""

KEY = Fernet.generate_key().decode()


class ElderClient:
    """Calls the API in this process; `document` says what it must answer."""

    def __init__(self, app) -> None:
        self.app = app
        self.http = app.test_client()
        self.document = self.http.get("/api/v1/openapi.json").json

    def call(self, method: str, path: str, body: Any = None, **more):
        """The response of any call."""
        more = {"json": body, **more} if body is not None else more
        response = self.http.open(path if path.startswith("/") else f"/api/v1/{path}", method=method, **more)
        self._conforms(method, response)
        return response

    def get(self, path: str, status: int = 200, **more) -> Any:
        return self._json(self.call("GET", path, **more), status)

    def post(self, path: str, body: Any = None, status: int = 201, **more) -> Any:
        return self._json(self.call("POST", path, body, **more), status)

    def put(self, path: str, body: Any, status: int = 200) -> Any:
        return self._json(self.call("PUT", path, body), status)

    def patch(self, path: str, body: Any, status: int = 200) -> Any:
        return self._json(self.call("PATCH", path, body), status)

    def delete(self, path: str, status: int = 200) -> Any:
        return self._json(self.call("DELETE", path), status)

    def job(self, **changes) -> dict[str, Any]:
        """A new AWS job."""
        config = {"access_key_id": "AKIAXXXXXXXXXXXXXXXX", "secret_access_key": "s3cret-canary", "regions": ["us-east-1"]}
        return self.post("discovery/jobs", {"name": "scan", "provider": "aws", "config": config, **changes})

    def _json(self, response, status: int) -> Any:
        assert response.status_code == status, response.get_data(as_text=True)
        return response.json

    def _conforms(self, method: str, response) -> None:
        path = response.request.path
        for template, operations in self.document["paths"].items():
            if re.fullmatch(re.sub(r"{\w+}", r"\\d+", template), path) and method.lower() in operations:
                answers = operations[method.lower()]["responses"]
                answer = answers.get(str(response.status_code), answers["default"])
                if "$ref" in answer:
                    answer = self.document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
                schema = answer["content"]["application/json"]["schema"]
                validator = jsonschema.Draft202012Validator({**schema, "components": self.document["components"]})
                problems = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(response.json)]
                assert not problems, problems[:5]
                return


def settings(database: str, **changes: str):
    return load({"DATABASE_URL": database, "ELDER_SECRET_KEYS": KEY, **changes})


@pytest.fixture
def elder_app(database):
    """The application, with the defaults of a local start."""
    app = create_app(settings(database))
    yield app
    app.extensions["elder"].pool.close()


@pytest.fixture
def elder(elder_app):
    """A client of it."""
    return ElderClient(elder_app)


@pytest.fixture
def send_form(elder):
    """Sends a form as a browser does; returns the response and its text."""

    def post(path: str, form: dict[str, str]):
        response = elder.call("POST", path, data=form, headers={"Accept": "text/html"})
        return response, response.get_data(as_text=True)

    return post


@pytest.fixture
def worker_queue(database):
    """The queue of a worker that is there to answer connectivity tests."""
    queue = PostgresQueue(database, str(uuid.uuid4()), "w1", 30.0)
    queue.renew([])
    yield queue
    queue.close()


@pytest.fixture
def elder_on():
    """Makes clients of APIs on a database."""
    apps = []

    def make(url: str, **changes: str) -> ElderClient:
        apps.append(create_app(settings(url, **changes)))
        return ElderClient(apps[-1])

    yield make
    for app in apps:
        app.extensions["elder"].pool.close()


def _whole(app):
    """The application with each answer read to its end and closed: werkzeug's server does not close that of a client who has gone."""

    def answer(environ, start):
        body = app(environ, start)
        try:
            return [b"".join(body)]
        finally:
            if hasattr(body, "close"):  # a test may answer with a list
                body.close()

    return answer


@contextlib.contextmanager
def served(app) -> Iterator[str]:
    """Serves an application by threads of this process; yields its URL."""
    server = make_server("127.0.0.1", 0, _whole(app), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def site(elder_app):
    """The URL of the API, served by threads of this process."""
    with served(elder_app) as url:
        yield url


@pytest.fixture(scope="module")
def command_runner():
    """A process that runs ``elder`` again and again, in pipes and on terminals."""
    runner = CommandRunner()
    yield runner
    runner.close()


@pytest.fixture
def elder_command(site, tmp_path):
    """Runs ``elder`` with arguments against the API."""

    def call(*arguments: str, code: int = 0, **environ: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ELDER_")}
        environ = {**kept, "ELDER_API_URL": site, "HOME": str(tmp_path), **environ}
        done = subprocess.run([*COMMAND, *arguments], env=environ, capture_output=True, text=True, timeout=CAP, stdin=subprocess.DEVNULL)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done

    return call


FIRST = "first-key-of-the-settings"
"""The admin's key of `keyed`."""


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


class KeyedApi:
    """The API as others reach it, with the admin's key of the settings."""

    def __init__(self, app) -> None:
        self.app, self.http = app, app.test_client()
        self.context = app.extensions["elder"]

    def call(self, method: str, path: str, key: str | None = FIRST, **more):
        headers = {**(bearer(key) if key else {}), **more.pop("headers", {})}
        return self.http.open(path if path.startswith("/") else f"/api/v1/{path}", method=method, headers=headers, **more)

    def make(self, name: str, role: str, **more) -> dict:
        response = self.call("POST", "keys", json={"name": name, "role": role, **more})
        assert response.status_code == 201, response.json
        return response.json

    def status(self, key: str | None, path: str = "organizations") -> int:
        return self.call("GET", path, key).status_code


def routes(app):
    """(method, path, name) of every route, with something in place of each parameter."""
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<string:\w+>|<name>|<path:\w+>", "x", re.sub(r"<id:\w+>", "999999", rule.rule))
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            yield method, path, rule.endpoint


@pytest.fixture
def keyed(database):
    """The API with a key in its settings."""
    app = create_app(settings(database, ELDER_API_KEY=FIRST))
    yield KeyedApi(app)
    app.extensions["elder"].pool.close()


@pytest.fixture
def served_keyed(keyed):
    """The URL of that API."""
    with served(keyed.app) as url:
        yield url
