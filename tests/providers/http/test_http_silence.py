"""A request without an answer: each cause has its own sentence, and none is read as another."""

from __future__ import annotations

import socket
import threading

import pytest
import urllib3
from peers.port import free_port

from providers.errors import CredentialsError, TimedOut
from providers.http import client as client_module
from providers.http.client import Http
from providers.http.silence import silence


@pytest.fixture
def deaf():
    """The port of a listener that accepts and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepted, done = [], threading.Event()

        def accept():
            while not done.is_set():
                try:
                    accepted.append(listener.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept)
        thread.start()
        yield listener.getsockname()[1]
        done.set()
        listener.shutdown(socket.SHUT_RDWR)
        for connection in accepted:
            connection.close()
        thread.join()


def failure(url: str, **options):
    with Http(url, "Weather", advice="check WEATHER_URL", tries=1, **options) as one, pytest.raises((TimedOut, CredentialsError)) as raised:
        one.get("/x", what="list stations")
    return raised.value


def test_a_refused_connection_a_name_without_address_and_a_silent_server_each_have_their_words(deaf, monkeypatch):
    monkeypatch.setattr(client_module, "TIMEOUT", urllib3.Timeout(connect=5.0, read=0.1))
    port = free_port()
    refused = failure(f"http://127.0.0.1:{port}")
    unknown = failure("http://no-such-host.invalid")
    silent = failure(f"http://127.0.0.1:{deaf}")

    assert str(refused) == (
        f"Weather cannot be reached at 127.0.0.1:{port}: the connection is refused, so nothing listens there; check WEATHER_URL"
    )
    assert str(unknown) == "Weather cannot be reached at no-such-host.invalid: its name cannot be resolved (DNS); check WEATHER_URL"
    assert str(silent) == "no whole answer from Weather to 'list stations': it accepts connections, but was silent for too long"
    assert all(error.outcome == "timeout" for error in (refused, unknown, silent))


def test_a_dropped_packet_is_told_from_a_refusal():
    error = urllib3.exceptions.ConnectTimeoutError(None, "Connection to 10.0.0.1 timed out")
    assert "firewall" in str(silence(error, "Weather", "https://10.0.0.1/x", "list", advice="check it", trust=""))


def test_a_port_that_speaks_no_tls_is_no_untrusted_certificate(server, waits):
    server.script = [(200, b"{}")]
    result = failure(server.url.replace("http:", "https:"))
    assert isinstance(result, TimedOut)
    assert "does it speak TLS on this port" in str(result)


@pytest.mark.parametrize(
    ("host", "trusted", "result"),
    [
        ("localhost", False, "cannot be verified: set WEATHER_CA"),
        ("elsewhere.example", True, "cannot be verified: it is for another host; set WEATHER_CA"),
    ],
)
def test_a_certificate_that_is_refused_says_why_and_what_to_set(tls_server, waits, authority, host, trusted, result):
    server = tls_server(host)
    server.script = [(200, b"{}")]
    error = failure(server.url, trust="set WEATHER_CA", ca_file=str(authority.ca) if trusted else "")
    assert isinstance(error, CredentialsError)
    assert str(error).endswith(result)


@pytest.mark.parametrize(
    ("openssl", "result"),
    [
        ("certificate verify failed: certificate has expired (_ssl.c:1016)", "it has expired"),
        ("certificate verify failed: certificate is not yet valid (_ssl.c:1016)", "the clock of this machine"),
        ("certificate verify failed: IP address mismatch, certificate is not valid for '10.0.0.1'. (_ssl.c:1016)", "another address"),
    ],
)
def test_what_openssl_says_of_a_certificate_reaches_the_operator(openssl, result):
    error = urllib3.exceptions.SSLError(f"[SSL: CERTIFICATE_VERIFY_FAILED] {openssl}")
    assert result in str(silence(error, "Weather", "https://10.0.0.1/x", "list", advice="", trust="check its CA"))
