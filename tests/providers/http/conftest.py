"""A server that answers by script, and a clock that nobody waits for."""

from __future__ import annotations

import contextlib

import pytest
from peers import serving

from providers.http import retry
from providers.http.client import Http


class Script:
    """A server that answers by script: (status, body, headers) or a function that is given the handler; requests are kept."""

    def __init__(self) -> None:
        self.script, self.requests, self.url = [], [], ""


class Handler(serving.Handler):
    """Answers with the next entry of a script, and with the last one for ever."""

    server_script: Script

    def do_GET(self):
        script = self.server_script.script
        self.server_script.requests.append((self.path, dict(self.headers)))
        step = script.pop(0) if len(script) > 1 else script[0]
        if callable(step):
            step(self)
            return
        status, body, *headers = step
        self.answer(status, body, headers)


@pytest.fixture
def server():
    one = Script()
    with serving.serving(Handler, server_script=one) as one.url:
        yield one


@pytest.fixture
def tls_server(authority):
    """Gives a server whose certificate is for a host."""
    with contextlib.ExitStack() as running:

        def start(host: str) -> Script:
            one = Script()
            one.url = running.enter_context(serving.serving(Handler, authority.server_context(host), server_script=one))
            return one

        yield start


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
