"""A connection over TLS: its handshake and the beginning of its requests are read without a thread, as bytes come."""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import Any

from gunicorn import http, sock

from worker.web.connection import MAX_HEAD, SILENCE, Connection

_PLAIN_HTTP = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 40\r\nConnection: close\r\n\r\n"
    b"this port speaks TLS only: use https://\n"
)


class EncryptedConnection(Connection):
    """Holds the beginning of the next request decrypted until a thread reads on from there."""

    awaited = 0

    def __init__(self, cfg: Any, client: socket.socket, address: Any, server: Any) -> None:
        """Begins the server's side of TLS. Raises `OSError`."""
        context = sock.ssl_context(cfg)
        super().__init__(cfg, context.wrap_socket(client, server_side=True, do_handshake_on_connect=False), address, server)
        self.parser: Any = None
        self._ahead, self._established = b"", False

    def ahead(self) -> bytes:
        """Returns what has come of the next request. Raises `BlockingIOError` while the handshake goes on, and `OSError` when it fails."""
        try:
            if not self._established:
                self.sock.do_handshake()
                self._established = True
            while len(self._ahead) < MAX_HEAD and self.awaited == 0:
                part = self.sock.recv(MAX_HEAD)
                self._ahead += part
                self.awaited = 0 if part else MAX_HEAD + 1  # more than will come: the client has closed
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            if not self._ahead:
                raise BlockingIOError from None
        except ssl.SSLError as error:
            if error.reason == "HTTP_REQUEST":
                socket.socket.send(self.sock, _PLAIN_HTTP)
            raise
        return self._ahead

    def wait_for(self, size: int) -> None:
        """Does nothing: bytes of the network say little about bytes of the request."""

    def holds_more(self) -> bool:
        """True if a part of the next request was decrypted, or read, with the last one."""
        return bool(super().holds_more() or (self.sock.pending() and not self.parser.unreader.buf.getvalue()))

    def end_sending(self) -> None:
        """Tells the client that nothing more comes, in TLS and in TCP."""
        self.sock.setblocking(False)
        with contextlib.suppress(OSError, ValueError):
            self.sock.unwrap()
        super().end_sending()

    def init(self) -> None:
        """Prepares a thread to read the request: what was decrypted, then the socket, whose reads have a time-out of their own."""
        if self.parser is None:
            self.parser = http.get_parser(self.cfg, self.sock, self.client)
        super().init()
        self.sock.settimeout(SILENCE)
        self.parser.unreader.unread(self._ahead)
        self._ahead = b""
