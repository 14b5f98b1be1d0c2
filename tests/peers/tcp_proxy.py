"""A TCP proxy that can be made deaf, slow, to change or to cut what a client asks, and, for PostgreSQL, to cut in the middle of a COMMIT."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

COMMIT = b"COMMIT\0"


class Proxy:
    """Listens on a port of its own and passes on to `target`: (host, port), the path of a Unix socket, or what makes a connection."""

    def __init__(self, target: tuple[str, int] | str | Callable[[], socket.socket]) -> None:
        self.lead_to(target)
        self._selector = selectors.DefaultSelector()
        self._lock = threading.RLock()
        self._pairs: dict[socket.socket, tuple[socket.socket, bool]] = {}
        self.deaf = False
        """Takes connections and bytes, and passes nothing on."""
        self.refusing = False
        """Ends every new connection at once."""
        self.delay = 0.0
        """Seconds before each piece is passed on."""
        self.on_commit: Callable[[int], str | None] = lambda _number: None
        """Told the number of each COMMIT that a client sends; answers ``before`` or ``after`` to cut there."""
        self.commits = 0
        self.change: Callable[[bytes], bytes | None] = lambda data: data
        """Each piece that a client sends, as it is passed on; None cuts the connection instead."""
        self._cut_next: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._wake_r, self._wake_w = socket.socketpair()
        for one in (self._listener, self._wake_r):
            self._selector.register(one, selectors.EVENT_READ)
        self._running = True
        self._thread = threading.Thread(target=self._run, name="proxy")
        self._thread.start()

    def lead_to(self, target: tuple[str, int] | str | Callable[[], socket.socket]) -> None:
        """Where new connections go from now on."""
        self._dial = target if callable(target) else lambda: _connected(target)

    def cut(self) -> None:
        """Ends every connection that there is."""
        with self._lock:
            for one in list(self._pairs):
                self._close(one)

    def stop(self) -> None:
        """Ends every connection and takes no more, until `resume`."""
        self.refusing = True
        self.cut()

    def resume(self) -> None:
        """Passes everything on again; what was swallowed while deaf stays lost, as those connections are ended."""
        if self.deaf:
            self.cut()
        self.refusing = self.deaf = False

    def close(self) -> None:
        """Ends the proxy."""
        self._running = False
        self._wake_w.send(b"x")
        self._thread.join()
        self.cut()
        for one in (self._listener, self._wake_r, self._wake_w):
            one.close()
        self._selector.close()

    def _run(self) -> None:
        while self._running:
            for key, _ in self._selector.select():
                with self._lock:
                    if key.fileobj is self._listener:
                        self._accept()
                    elif key.fileobj in self._pairs:
                        self._pass_on(key.fileobj)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        if self.refusing:
            client.close()
            return
        try:
            server = self._dial()
        except OSError:
            client.close()
            return
        self._pairs[client], self._pairs[server] = (server, True), (client, False)
        for one in (client, server):
            self._selector.register(one, selectors.EVENT_READ)

    def _pass_on(self, source: socket.socket) -> None:
        other, from_client = self._pairs[source]
        try:
            data = source.recv(1 << 20)
            if not data:
                self._close(source)
            elif self.deaf:
                return
            elif source in self._cut_next:
                self._close(source)
            else:
                self._forward(source, other, data, from_client)
        except OSError:
            self._close(source)

    def _forward(self, source: socket.socket, other: socket.socket, data: bytes, from_client: bool) -> None:
        if self.delay:
            time.sleep(self.delay)
        if from_client and data.endswith(COMMIT):
            self.commits += 1
            where = self.on_commit(self.commits)
            if where == "before":
                self._close(source)
                return
            if where == "after":
                self._cut_next.add(other)  # the server's answer, which proves that it is done, is not passed on
        passed = self.change(data) if from_client else data
        if passed is None:
            self._close(source)
        else:
            other.sendall(passed)

    def _close(self, one: socket.socket) -> None:
        other, _ = self._pairs.pop(one, (None, False))
        for end in (one, other):
            if end is not None:
                self._pairs.pop(end, None)
                self._cut_next.discard(end)
                with contextlib.suppress(KeyError, ValueError):
                    self._selector.unregister(end)
                end.close()


def _connected(target: tuple[str, int] | str) -> socket.socket:
    server = socket.socket(socket.AF_UNIX if isinstance(target, str) else socket.AF_INET)
    try:
        server.connect(target)
    except OSError:
        server.close()
        raise
    return server


def behind(proxy_port: int, url: str) -> str:
    """The URL of a database as it is reached through the proxy."""
    known = psycopg.conninfo.conninfo_to_dict(url)
    return f"postgresql://{known.get('user', 'postgres')}:{known.get('password', '')}@127.0.0.1:{proxy_port}{urlsplit(url).path}"


def target_of(url: str) -> tuple[str, int] | str:
    """Where the database of a URL listens."""
    parts = urlsplit(url)
    folder = parse_qs(parts.query).get("host", [""])[0]
    return f"{folder}/.s.PGSQL.{parts.port or 5432}" if folder else (parts.hostname or "127.0.0.1", parts.port or 5432)


@pytest.fixture
def proxied(database):
    """(proxy, URL of the test's database through it)."""
    proxy = Proxy(target_of(database))
    yield proxy, behind(proxy.port, database)
    proxy.close()
