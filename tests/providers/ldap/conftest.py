"""Small directories and relays in front of them, each for one test."""

from __future__ import annotations

import contextlib

import pytest
from peers.slapd import few, running
from peers.tcp_proxy import Proxy


@pytest.fixture
def waits(monkeypatch):
    """Nothing waits."""
    monkeypatch.setattr("providers.http.retry.wait", lambda _: None)


@pytest.fixture
def serve(tmp_path, authority):
    """Starts small directories, each as its test needs it; gone at the end."""
    with contextlib.ExitStack() as stack:

        def start(*more: str, users: int = 20, **options):
            folder = tmp_path / f"slapd{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            return stack.enter_context(running(folder, authority, ldif=few(*more, users=users), **options))

        yield start


@pytest.fixture
def relayed():
    """Relays in front of a server, closed at the end."""
    relays = []

    def relay(port: int) -> Proxy:
        relays.append(Proxy(("127.0.0.1", port)))
        return relays[-1]

    yield relay
    for one in relays:
        one.close()
