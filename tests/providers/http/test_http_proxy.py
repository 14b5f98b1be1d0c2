"""The proxy that the environment names: for which hosts, with which credentials, and what is said when it lets nobody through."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import urllib.request

import pytest
from peers import connect_proxy as closed
from peers.authentik import TOKEN
from peers.port import free_port

from providers import registry, secrecy
from providers.errors import ConfigError, CredentialsError, TimedOut
from providers.http import pools
from providers.http import proxy as proxies
from providers.http.client import Http
from providers.http.proxy import Proxy
from providers.schema import parse
from providers.variables import NoSettings

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Sets proxy variables, of which there are none before."""
    for name in (*VARIABLES, *map(str.upper, VARIABLES)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("providers.http.retry.wait", lambda _: None)

    def change(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return change


@pytest.mark.parametrize(
    ("url", "proxied"),
    [
        ("https://example.okta.com", True),
        ("https://okta.internal.example", False),
        ("https://internal.example", False),
        ("https://notinternal.example", True),
        ("https://10.1.2.3:6443", False),
        ("https://11.1.2.3", True),
        ("https://[fd00::5]", False),
        ("https://db.example:8443", False),
        ("https://db.example", True),
        ("https://api", False),
        ("https://localhost:8443", False),
        ("https://127.0.0.1", False),
        ("http://169.254.169.254/latest", False),
        ("http://metadata.google.internal/computeMetadata", False),
        ("https://100.100.100.200", False),
    ],
)
def test_no_proxy_and_what_is_never_asked_for_through_one(environment, url, proxied):
    exceptions = ".internal.example, 10.0.0.0/8,fd00::/8, db.example:8443,"
    environment(HTTPS_PROXY="http://p.example:3128", HTTP_PROXY="http://p.example:3128", NO_PROXY=exceptions)
    assert proxies.from_environment(url) == (Proxy("http://p.example:3128", "HTTPS_PROXY") if proxied else None)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, None),
        ({"https_proxy": "p.example:3128"}, Proxy("http://p.example:3128", "HTTPS_PROXY")),
        ({"HTTP_PROXY": "http://p.example"}, None),
        ({"ALL_PROXY": "https://p.example"}, Proxy("https://p.example", "ALL_PROXY")),
        ({"ALL_PROXY": "https://p.example", "NO_PROXY": "*"}, None),
        ({"HTTPS_PROXY": ""}, None),
    ],
)
def test_the_variables_are_read_as_curl_reads_them(environment, values, found):
    environment(**values)
    assert proxies.from_environment("https://example.okta.com") == found


@pytest.mark.parametrize("value", ["socks5://p.example", "http://", "http://p.example:port"])
def test_a_proxy_that_cannot_be_used_is_a_sentence_with_the_variable(environment, value):
    environment(HTTPS_PROXY=value)
    with pytest.raises(ConfigError, match=r"^HTTPS_PROXY is not a proxy that can be used: it must begin with http:// or https://"):
        Http("https://example.okta.com", "Okta")


def test_the_password_is_sent_and_is_a_secret(environment):
    received: list[str] = []
    secrecy.add_listener(received.extend)
    try:
        environment(HTTPS_PROXY="http://me:p%40ss%3Aword@p.example:3128")
        found = proxies.from_environment("https://example.okta.com")
    finally:
        secrecy.remove_listener(received.extend)
    assert found is not None
    assert found.headers == {"proxy-authorization": "Basic bWU6cEBzczp3b3Jk"}  # me:p@ss:word
    assert found.host == "p.example:3128"
    assert set(received) == {"p%40ss%3Aword", "p@ss:word"}


def test_a_password_may_have_any_character():
    assert Proxy("http://me:p%E2%82%AC@p.example:3128", "HTTPS_PROXY").headers == {"proxy-authorization": "Basic bWU6cOKCrA=="}  # me:p€


def test_requests_to_several_hosts_go_each_its_own_way(environment, server, connect_proxy):
    server.script = [(200, b"{}")]
    port = server.url.rpartition(":")[2]
    environment(HTTP_PROXY=connect_proxy.url)
    routes = pools.Routes(retries=False)
    answers = [routes.request("GET", f"http://{host}:{port}/x").status for host in (f"sso.{closed.CLOSED}", "127.0.0.1")]
    routes.clear()
    assert answers == [200, 200]
    assert connect_proxy.connected == [f"sso.{closed.CLOSED}"]


def failure(url: str = f"https://sso.{closed.CLOSED}"):
    with Http(url, "Weather", tries=1) as one, pytest.raises((TimedOut, CredentialsError)) as raised:
        one.get("/x", what="list stations")
    return raised.value


def test_a_proxy_that_refuses_our_password_our_target_or_every_connection_is_told_apart(environment, tmp_path):
    with closed.running(tmp_path, 443) as proxy:
        environment(HTTPS_PROXY=proxy.url_for("wrong-canary"))
        wrong = failure()
        environment(HTTPS_PROXY=f"http://{proxy.host}")
        nobody = failure()
        environment(HTTPS_PROXY=proxy.url)
        forbidden = failure(f"https://sso.{closed.CLOSED}:8443")
    silent = failure()
    for error in (wrong, nobody):
        assert isinstance(error, CredentialsError)
        assert str(error).startswith(f"the proxy at {proxy.host} (HTTPS_PROXY) does not accept our credentials (40")
    assert str(forbidden).startswith(f"the proxy at {proxy.host} (HTTPS_PROXY) does not let us through to sso.closed.example:8443")
    assert str(silent) == (
        f"the proxy at {proxy.host} (HTTPS_PROXY) cannot be reached, on the way to Weather: the connection is refused, so nothing listens there"
    )
    assert "canary" not in "".join(f"{error} {error.detail}" for error in (wrong, forbidden, silent))


def test_a_proxy_spoken_to_by_tls_that_speaks_none_is_told(environment, tmp_path):
    def answer(listener: socket.socket) -> None:
        with listener.accept()[0] as client:
            client.recv(1000)
            client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        plain = threading.Thread(target=answer, args=(listener,))
        plain.start()
        environment(HTTPS_PROXY=f"https://127.0.0.1:{listener.getsockname()[1]}")
        assert str(failure()).endswith("does not complete the TLS handshake: must its address begin with http://?")
        plain.join()


def test_an_authentik_behind_a_proxy_is_read_and_the_proxy_alone_resolves_its_name(environment, authentik_tls, connect_proxy):
    port = authentik_tls.url.rpartition(":")[2]
    provider = registry.get("authentik")
    config = {"domain": f"https://sso.{closed.CLOSED}:{port}", "api_token": TOKEN, "verify_ssl": False}
    environment(HTTPS_PROXY=connect_proxy.url)
    with contextlib.closing(provider.open(parse(provider.config, config), NoSettings())) as source:
        assert source.check().name
    assert connect_proxy.connected == [f"sso.{closed.CLOSED}"]


def test_a_worker_takes_the_proxy_of_its_environment_to_its_jobs_and_not_to_its_api(authentik_tls, connect_proxy, start_worker):
    """As an operator in a closed network sets it: the connector goes through the proxy, the Elder API beside the worker does not."""
    authentik_tls.user("one")
    port = authentik_tls.url.rpartition(":")[2]
    worker = start_worker(
        AUTHENTIK_ENABLED="true",
        AUTHENTIK_DOMAIN=f"sso.{closed.CLOSED}:{port}",
        AUTHENTIK_API_TOKEN=TOKEN,
        AUTHENTIK_VERIFY_SSL="false",
        HTTPS_PROXY=connect_proxy.url,
        HTTP_PROXY=f"http://127.0.0.1:{free_port()}",
    )
    ended = worker.wait(lambda: (one := worker.connector("authentik"))["status"] not in ("never", "running") and one, "no sync ended")
    worker.stop()
    assert (ended["status"], ended["entities"]["created"]) == ("completed", 1), worker.log.read_text()
    assert set(connect_proxy.connected) == {f"sso.{closed.CLOSED}"}
    assert closed.PASSWORD not in worker.log.read_text()


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTPS_PROXY": "a", "https_proxy": "b"},
        {"HTTPS_PROXY": "a", "https_proxy": ""},
        {"HTTPS_PROXY": "", "NO_PROXY": "x,y", "All_Proxy": "c"},
        {"_PROXY": "a", "PROXY": "b", "http_proxy_": "c"},
    ],
)
def test_the_variables_are_read_as_the_standard_library_reads_them(monkeypatch, environ):
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert proxies.environment() == urllib.request.getproxies_environment()
