"""Receivers of webhooks: no spelling of an inner address is reached unless its network is listed, and a name goes where it was checked."""

from __future__ import annotations

import socket

import pytest

from api.delivery import receiver
from api.delivery.receiver import Receiver, Refused
from worker.config.proxies import networks

INNER = [
    "127.0.0.1", "127.1", "127.255.255.254", "0x7f.0.0.1", "0x7f000001", "2130706433", "017700000001", "0177.0.0.01", "0", "0.0.0.0", "10.0.0.1",
    "10.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.257", "169.254.169.254", "0xa9fea9fe", "2852039166", "169.254.170.2",
    "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "192.0.2.1", "198.18.0.1", "192.88.99.1", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::127.0.0.1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:10.0.0.1]",
    "[::ffff:169.254.169.254]", "[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[2002:a00:1::1]",
    "[2001:0:7f00:1::1]", "[2001:db8::1]", "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]", "[100::1]", "[3fff::1]",
]  # fmt: skip
"""Addresses that are not public, in the spellings that resolvers take."""

NO_URLS = [
    "", "example.com", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "https:///x", "https:example.com", "https://",
    "//example.com/", "https://user@example.com/", "https://user:secret@example.com/", "https://@example.com/", "https://example.com/#x",
    "https://example.com\\@127.0.0.1/", "https://exa mple.com/", "https://example.com/\r\nHost: x", "https://example.com\t/", "https://example.com:0/",
    "https://example.com:65536/", "https://example.com:x/", "https://[::1/", "https://[fe80::1%25eth0]/", "https://127.0.0.1%2f@example.com/",
    "https://\u2460\u2461\u2466.0.0.1/", "https://b\xfccher.example/", "https://example.com/" + "x" * 2000, "javascript:alert(1)",
]  # fmt: skip


@pytest.mark.parametrize("host", INNER)
def test_no_spelling_of_an_inner_address_is_taken(host):
    with pytest.raises(Refused, match=r"not a public address|link-local, a metadata service"):
        receiver.parse(f"https://{host}/hook", ())


@pytest.mark.parametrize("host", INNER)
def test_a_name_of_an_inner_address_is_refused_when_it_is_resolved(host, monkeypatch):
    found = socket.getaddrinfo(host.strip("[]"), 443, type=socket.SOCK_STREAM)
    public = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 443))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_more: [public, *found])
    to = receiver.parse("https://rebound.example/", ())

    with pytest.raises(Refused, match=r"rebound\.example \("):
        receiver.resolve(to, ())


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "localhost.", "a.localhost"])
def test_a_name_of_this_machine(host):
    with pytest.raises(Refused, match="is this machine"):
        receiver.parse(f"https://{host}/", ())


@pytest.mark.parametrize("url", NO_URLS)
def test_what_is_no_url_of_a_receiver(url):
    with pytest.raises(Refused):
        receiver.parse(url, networks(["0.0.0.0/0", "::/0"]))


@pytest.mark.parametrize("host", ["8.8.8.8", "[2606:4700::1111]", "[64:ff9b::8.8.8.8]", "[::ffff:8.8.8.8]", "[2002:808:808::1]"])
def test_public_addresses_are_reached_by_https_alone(host):
    assert receiver.parse(f"https://{host}:8443/hook?a=b", ()) == Receiver("https", host.strip("[]"), 8443, "/hook?a=b")
    with pytest.raises(Refused, match="begins with http"):
        receiver.parse(f"http://{host}/", ())
    with pytest.raises(Refused, match="can be read and changed"):
        receiver.parse(f"http://{host}/", networks(["10.0.0.0/8"]))


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("10.1.2.3", "10.0.0.0/8"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::ffff:10.1.2.3]", "10.0.0.0/8"),
        ("[fd12::1]", "fd12::/16"),
        ("127.1", "127.0.0.0/8"),
    ],
)
def test_a_listed_network_is_reached_by_http_too_and_no_other(host, network):
    for scheme, port in receiver.PORTS.items():
        assert receiver.parse(f"{scheme}://{host}", networks([network])) == Receiver(scheme, host.strip("[]"), port, "/")
    with pytest.raises(Refused, match="not a public address"):
        receiver.parse("https://192.168.0.1/", networks([network]))


@pytest.mark.parametrize("host", ["169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "168.63.129.16", "0.0.0.0", "[::]", "224.0.0.1"])
def test_no_list_opens_the_way_to_a_metadata_service(host):
    with pytest.raises(Refused, match="link-local, a metadata service"):
        receiver.parse(f"http://{host}/", networks(["0.0.0.0/0", "::/0"]))


def test_a_name_is_looked_up_at_the_delivery_and_not_before(monkeypatch):
    asked = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_arguments, **_more: asked.append(host) or [])

    to = receiver.parse("https://EXAMPLE.com", ())

    assert (to, asked) == (Receiver("https", "example.com", 443, "/"), [])
