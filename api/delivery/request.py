"""One request to a receiver: to addresses that were checked before, without a redirect, within ten seconds, of whose answer little is read.

It is not sent by `providers.http`: that client reads whole answers, repeats, takes the environment's proxies, and waits for minutes.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from api.delivery.receiver import Receiver
from providers.http.quota import asked_wait

TIMEOUT = 10.0
"""Seconds for the connection, the request and the answer together."""

SHOWN = 1024
"""Bytes of an answer that are read, to be shown."""


class Answer(NamedTuple):
    """An answer, as far as it is read."""

    status: int
    beginning: bytes
    """The first bytes of the body."""
    wait: float
    """Seconds that ``Retry-After`` asks for; 0 where it does not."""


class NoAnswer(Exception):
    """The receiver has not answered; the text says why."""


def post(
    receiver: Receiver, addresses: Sequence[str], body: bytes, headers: Mapping[str, str], context: ssl.SSLContext, timeout: float = TIMEOUT
) -> Answer:
    """Sends a body to a receiver at one of its addresses. Raises `NoAnswer`."""
    connection = _Connection(receiver, addresses, context, timeout)
    try:
        with connection.deadline():
            connection.request("POST", receiver.target, body, dict(headers))
            response = connection.getresponse()
            if connection.late:  # a head that was cut off passes for a whole one
                raise TimeoutError
            headers = {name: value for name in ("retry-after", "date") if (value := response.getheader(name))}
            return Answer(response.status, _beginning(response), asked_wait(headers))
    except ssl.SSLCertVerificationError as error:
        raise NoAnswer(f"the certificate of {receiver.host} is refused: {error.verify_message}; see ELDER_WEBHOOK_CA_BUNDLE") from None
    except (OSError, http.client.HTTPException) as error:
        if connection.late or isinstance(error, TimeoutError):
            raise NoAnswer(f"{receiver.host} has not answered within {timeout:g} s") from None
        raise NoAnswer(f"{receiver.host} cannot be reached or does not speak {receiver.scheme.upper()}: {_reason(error)}") from None
    finally:
        connection.close()


def _beginning(response: http.client.HTTPResponse) -> bytes:
    """The first bytes of the body; nothing where it does not come. What counts is the status, which is there."""
    try:
        return response.read(SHOWN)
    except (OSError, http.client.HTTPException):
        return b""


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


class _Connection(http.client.HTTPConnection):
    """A connection to given addresses. Its socket is cut off at the deadline, whatever it is waiting for."""

    def __init__(self, receiver: Receiver, addresses: Sequence[str], context: ssl.SSLContext, timeout: float) -> None:
        self.default_port = {"https": http.client.HTTPS_PORT, "http": http.client.HTTP_PORT}[receiver.scheme]  # for the header Host
        super().__init__(receiver.host, receiver.port, timeout)
        self._addresses, self._tls = addresses, context if receiver.scheme == "https" else None
        self._switches: list[socket.socket] = []
        self.late = False

    def connect(self) -> None:
        """Connects to the first address that takes it."""
        plain = self._connected()
        self._switches.append(plain.dup())
        if self.late:
            self._cut_off()
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host) if self._tls else plain

    def _connected(self) -> socket.socket:
        share = (self.timeout or TIMEOUT) / len(self._addresses)
        for address in self._addresses[:-1]:
            with contextlib.suppress(OSError):
                return self._with_timeout(socket.create_connection((address, self.port), share))
        return self._with_timeout(socket.create_connection((self._addresses[-1], self.port), share))

    def _with_timeout(self, connected: socket.socket) -> socket.socket:
        connected.settimeout(self.timeout)
        return connected

    @contextlib.contextmanager
    def deadline(self) -> Iterator[None]:
        """A block that ends within the time-out: the switch is another descriptor of the same connection, in TLS's handshake too."""
        timer = threading.Timer(self.timeout or TIMEOUT, self._cut_off)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
            for switch in self._switches:
                switch.close()

    def _cut_off(self) -> None:
        self.late = True
        for switch in self._switches:
            with contextlib.suppress(OSError):  # it is closed already
                switch.shutdown(socket.SHUT_RDWR)
