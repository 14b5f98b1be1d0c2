"""A gunicorn worker in which a request takes a thread only once it is there: slow ones wait in the poller, and cost a descriptor each.

gunicorn's own thread worker gives a thread to whoever has sent one byte, and says goodbye to clients in its main thread for up to two
seconds each, so that a few slow ones keep all others waiting. It stays the one that reads, serves and writes; what is changed is when.
"""

from __future__ import annotations

import contextlib
import functools
import resource
import selectors
import socket
import time
from concurrent.futures import Future
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from worker.web.connection import MAX_HEAD, Connection, missing

HEAD_TIMEOUT = 5.0
"""Seconds for a request to come, and for a client to leave after the last answer."""

CLOSE_TIMEOUT = 0.5
"""The same, once the worker is told to stop."""

CONNECTIONS = 4096
"""Requests that are buffered at once; beyond, the one that has waited longest is dropped."""

BODY_LEFT = 0.05
"""Seconds for a body that nobody wanted, before its connection is used again."""

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def descriptors() -> int:
    """Asks for as many as `CONNECTIONS` need; how many connections there is room for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + 128
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return CONNECTIONS if soft == resource.RLIM_INFINITY else max(1, min(CONNECTIONS, soft - 128))


class ReceptionWorker(ThreadWorker):  # type: ignore[misc]
    """Connections wait in `pending_conns`, in the order of their time-outs: those whose request is to come, and those that are to close."""

    def init_process(self) -> None:
        """Prepares the worker in its new process."""
        self.worker_connections = descriptors()
        super().init_process()

    def accept(self, listener: Any) -> None:
        """Registers a new connection."""
        with contextlib.suppress(BlockingIOError, ConnectionAbortedError):
            client, address = listener.accept()
            try:
                conn = self._connection(client, address, listener.getsockname())
            except OSError:  # the client has left before TLS began
                client.close()
                return
            self.nr_conns += 1
            self._expect(conn)
            if self.nr_conns >= self.worker_connections:
                self._make_room()

    def on_client_socket_readable(self, conn: Any, client: Any) -> None:
        """A kept connection is used again."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._expect(conn)

    def on_pending_socket_readable(self, conn: Any, client: Any) -> None:
        """More of a request has come, or its end."""
        try:
            begun = conn.ahead()
            more = missing(begun)
        except BlockingIOError:
            return
        except ConnectionError:
            begun, more = b"", 1
        except OSError:  # no TLS
            self._leave(conn)
            return
        except ValueError:
            with contextlib.suppress(OSError):
                conn.sock.send(_TOO_LARGE)
            self._leave(conn)
            return
        if more and len(begun) >= conn.awaited:
            conn.wait_for(len(begun) + more)
        else:
            conn.wait_for(1)
            super().on_pending_socket_readable(conn, client)

    def _connection(self, client: socket.socket, address: Any, server: Any) -> Connection:
        if not self.cfg.is_ssl:
            return Connection(self.cfg, client, address, server)
        from worker.web.encrypted import EncryptedConnection  # noqa: PLC0415 - where there is a certificate

        return EncryptedConnection(self.cfg, client, address, server)

    def _leave(self, conn: Any) -> None:
        self._forget(conn)
        conn.wait_for(1)
        self._take_leave(conn)

    def finish_request(self, conn: Any, fs: Future[Any]) -> None:
        """It was answered, or could not be."""
        if not fs.cancelled() and fs.exception() is None and fs.result() and not conn.holds_more():
            super().finish_request(conn, fs)
        else:
            self._take_leave(conn)

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        return bool(keepalive and conn.parser.finish_body(deadline=time.monotonic() + BODY_LEFT))

    def _cap_keepalive(self, deadline: float) -> None:
        """Told to stop: who has nothing under way is not waited for as long."""
        super()._cap_keepalive(min(deadline, time.monotonic() + CLOSE_TIMEOUT))
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, time.monotonic() + CLOSE_TIMEOUT)

    def _expect(self, conn: Any) -> None:
        self._wait(conn, functools.partial(self.on_pending_socket_readable, conn))

    def _take_leave(self, conn: Any) -> None:
        """Our side is closed; theirs is read to its end, so that no reset takes the answer from them (RFC 9112, 9.6)."""
        try:
            conn.end_sending()
        except OSError:
            self.nr_conns -= 1
            conn.close()
        else:
            self._wait(conn, functools.partial(self._hear_out, conn))

    def _hear_out(self, conn: Any, client: Any) -> None:
        with contextlib.suppress(BlockingIOError):
            try:
                left = not client.recv(MAX_HEAD)
            except ConnectionError:
                left = True
            if left:
                self._forget(conn)
                self.nr_conns -= 1
                conn.close()

    def _wait(self, conn: Any, call: Any) -> None:
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + (HEAD_TIMEOUT if self.alive else CLOSE_TIMEOUT)
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, call)

    def _forget(self, conn: Any) -> None:
        self.poller.unregister(conn.sock)
        self.pending_conns.remove(conn)

    def _make_room(self) -> None:
        """The first of those who wait has waited longest; who keeps a connection without using it goes only when nobody waits.

        Both are closed at the end of the loop's turn: an event of theirs may have come in this one.
        """
        for waiting in (self.pending_conns, self.keepalived_conns):
            if waiting:
                waiting[0].timeout = 0
                return
