"""A password of LDAP goes over an encrypted connection, unless the operator says otherwise. Case dir-9."""

from __future__ import annotations

import pytest
from cryptography import x509
from peers.slapd import BASE, PASSWORD, READER
from peers.tcp_proxy import Proxy
from reading import opened

from providers import registry
from providers.errors import CredentialsError
from providers.ldap import connection
from providers.schema import parse

pytestmark = pytest.mark.usefixtures("waits")


@pytest.fixture
def elsewhere(monkeypatch):
    """This machine's names are those of another host."""
    monkeypatch.setattr(connection, "is_loopback", lambda _host: False)


class Listening:
    """A relay's record of what clients have sent."""

    def __init__(self, relay: Proxy) -> None:
        self.sent = b""
        relay.change = self._note

    def _note(self, data: bytes) -> bytes:
        self.sent += data
        return data


def test_case_dir_9_a_password_never_goes_in_the_clear_to_another_host(serve, relayed, elsewhere):
    directory = serve(encrypted=False)
    relay = relayed(directory.port)
    listening = Listening(relay)
    config = directory.config(port=relay.port, use_ssl=None)
    with pytest.raises(CredentialsError, match=r"does not offer StartTLS.*LDAP_USE_SSL=true.*LDAP_USE_SSL=false"), opened(config) as source:
        source.check()
    assert PASSWORD.encode() not in listening.sent


def test_case_dir_9_start_tls_is_tried_first(serve, relayed, elsewhere):
    directory = serve()
    relay = relayed(directory.port)
    listening = Listening(relay)
    with opened(directory.config(port=relay.port, use_ssl=None, ca_cert=str(directory.ca))) as source:
        found = source.check().details
    end = x509.load_pem_x509_certificate(directory.ca.read_bytes()).not_valid_after_utc
    assert (found["encryption"], found["credential_expires_at"]) == ("StartTLS", f"{end:%Y-%m-%dT%H:%M:%SZ}")
    with pytest.raises(CredentialsError, match="cannot be verified"), opened(directory.config(port=relay.port, use_ssl=None)) as source:
        source.check()
    assert PASSWORD.encode() not in listening.sent


def test_case_dir_9_said_outright_it_works_with_a_warning(serve, elsewhere):
    with opened(serve(encrypted=False).config()) as source:
        found = source.check().details
    assert found["encryption"] == "none"
    assert "credential_expires_at" not in found
    provider = registry.get("ldap")
    raw = {"server": "dc1.example.com", "base_dn": BASE, "bind_dn": READER, "bind_password": PASSWORD}

    def warnings(**more):
        return list(provider.warnings(parse(provider.config, {**raw, **more})))

    [warning] = warnings(use_ssl=False)
    assert "dc1.example.com" in warning
    assert "unencrypted" in warning
    assert PASSWORD not in warning
    for harmless in ({}, {"use_ssl": True}, {"use_ssl": False, "start_tls": True}, {"use_ssl": False, "server": "localhost"}):
        assert not warnings(**harmless), harmless


def test_case_dir_9_this_machine_needs_no_encryption(serve):
    with opened(serve(encrypted=False).config(use_ssl=None)) as source:
        assert source.check().details["encryption"] == "none"


def test_ldaps_by_its_url_and_by_its_port(serve):
    directory = serve()
    config = directory.config(server=f"ldaps://localhost:{directory.tls_port}", port=None, use_ssl=None, ca_cert=str(directory.ca))
    with opened(config) as source:
        assert source.check().details["encryption"] == "LDAPS"
