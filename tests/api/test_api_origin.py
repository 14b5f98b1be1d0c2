"""Where a request comes from: a forwarded address is believed of trusted proxies alone."""

from __future__ import annotations

import pytest
from peers.elder import settings

from api.app import create_app
from api.attempts import WRONG_AT_MOST
from api.origin import origin
from worker.config.environment import SettingsError
from worker.config.proxies import networks
from worker.config.settings import load

KEY = "first-key-of-the-settings"
PROXY, OTHER = "10.0.0.7", "203.0.113.9"


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        (PROXY, "198.51.100.1", "198.51.100.1"),
        (PROXY, "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        (PROXY, "198.51.100.1, 10.0.0.8", "198.51.100.1"),
        (PROXY, "6.6.6.6, 198.51.100.1, 10.0.0.8", "198.51.100.1"),
        (PROXY, "2001:db8::1", "2001:db8::1"),
        (PROXY, "10.0.0.9", "10.0.0.9"),
        (PROXY, "", PROXY),
        (PROXY, "not-an-address", PROXY),
        (PROXY, "198.51.100.1, unknown", PROXY),
        (PROXY, "<script>", PROXY),
        (OTHER, "198.51.100.1", OTHER),
        (OTHER, PROXY, OTHER),
        ("", "198.51.100.1", ""),
    ],
)
def test_the_last_address_that_no_trusted_proxy_has(peer, forwarded, expected):
    assert origin(peer, forwarded, networks(("10.0.0.0/24",))) == expected


def test_without_trusted_proxies_nobody_is_believed():
    assert origin(PROXY, "198.51.100.1", ()) == PROXY


def test_what_is_no_network_stops_the_start():
    with pytest.raises(SettingsError) as caught:
        load({"ELDER_API_TRUSTED_PROXIES": "10.0.0.0/24,proxy.example"})
    sentence = "ELDER_API_TRUSTED_PROXIES: 'proxy.example' is not an address or network: such as 10.0.0.7 or 10.0.0.0/24"
    assert caught.value.complaints == (sentence,)


@pytest.fixture
def client(database):
    app = create_app(settings(database, ELDER_API_KEY=KEY, ELDER_API_TRUSTED_PROXIES=PROXY))
    yield app.test_client()
    app.extensions["elder"].pool.close()


def call(client, peer: str, forwarded: str, key: str = KEY, method: str = "GET", path: str = "organizations", **more):
    headers = {"Authorization": f"Bearer {key}", "X-Forwarded-For": forwarded}
    return client.open(f"/api/v1/{path}", method=method, headers=headers, environ_overrides={"REMOTE_ADDR": peer}, **more)


def test_the_audit_log_has_the_callers_address_and_no_invented_one(client):
    for number, peer in enumerate((PROXY, OTHER)):
        assert call(client, peer, "198.51.100.1", method="POST", json={"name": f"Org {number}"}).status_code == 201
    lines = call(client, OTHER, "", path="audit").json["audit"]
    assert [line["address"] for line in lines] == [OTHER, "198.51.100.1"]


def test_wrong_keys_slow_down_their_sender_and_not_the_proxy(client):
    for _ in range(WRONG_AT_MOST):
        assert call(client, PROXY, "198.51.100.1", "wrong").status_code == 401
    assert call(client, PROXY, "198.51.100.1").status_code == 429
    assert call(client, PROXY, "198.51.100.2").status_code == 200


def test_nobody_escapes_the_limit_by_inventing_addresses(client):
    for number in range(WRONG_AT_MOST):
        assert call(client, OTHER, f"198.51.100.{number}", "wrong").status_code == 401
    assert call(client, OTHER, "198.51.100.99", "wrong").status_code == 429
