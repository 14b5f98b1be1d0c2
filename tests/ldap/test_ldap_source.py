"""The LDAP provider against a real OpenLDAP, and Active Directory's peculiarities by themselves."""

from __future__ import annotations

import contextlib
import uuid

import ldap3
import pytest
from peers.slapd import BASE, PASSWORD, READER, USERS
from recorder import Recorder

from providers import registry
from providers.collected import canonical
from providers.errors import ConfigError, CredentialsError, Outcome, ScopeError, TimedOut
from providers.ldap import entries
from providers.ldap.client import Client
from providers.runner import run
from providers.schema import parse
from providers.testing import Fault, ProviderSuite

EXPECTED = USERS + 1


def opened(config):
    provider = registry.get("ldap")
    return contextlib.closing(provider.open(parse(provider.config, config), {}))


def read(config) -> Recorder:
    sink = Recorder()
    with opened(config) as source:
        run(source, sink)
    return sink


@pytest.fixture(scope="module")
def whole(slapd):
    return read(slapd.config(user_filter="(objectClass=inetOrgPerson)"))


class TestLdap(ProviderSuite):
    """What holds for every provider, below one unit: the whole directory is read once, by the tests below."""

    provider = "ldap"
    expected = frozenset({"ldap_user", "ldap_group", "ldap_ou"})
    secrets = (PASSWORD,)

    @pytest.fixture(autouse=True)
    def peer(self, slapd, monkeypatch):
        self.slapd, self.monkeypatch = slapd, monkeypatch
        self.config = slapd.config(user_filter="(|(uid=user1)(uid=user2)(uid=user3))", group_filter="(objectClass=posixGroup)")

    @contextlib.contextmanager
    def inject(self, fault):
        def hit(scope):
            return scope.resource_type == "ldap_user"

        if fault == Fault.WRONG_CREDENTIALS:
            self.config = {**self.config, "bind_password": "wrong"}
            yield hit
            return
        if fault in (Fault.EXPIRED, Fault.THROTTLED):
            import unittest

            raise unittest.SkipTest("a directory has no tokens, and does not throttle: it is busy, which is a time-out")
        original = Client._page

        def page(client, base, query, *rest, **more):
            if "uid=user1" in query:
                if fault == Fault.CUT:
                    raise TimedOut("no answer from the directory, or the connection was cut (LDAPSocketReceiveError)")
                if fault == Fault.EMPTY:
                    return original(client, base, "(uid=nobody-at-all)", *rest, **more)
                connection = client._bound()
                connection.result = {"result": 50, "description": "insufficientAccessRights", "message": ""}
                from providers.ldap.client import _check

                _check(connection.result, base)
            return original(client, base, query, *rest, **more)

        with self.monkeypatch.context() as patch:
            patch.setattr(Client, "_page", page)
            yield hit


def test_an_unpaged_read_is_cut_by_the_server(slapd):
    """Without this, reading all of it would prove nothing."""
    connection = ldap3.Connection(ldap3.Server("localhost", slapd.port, get_info=ldap3.NONE), READER, PASSWORD, auto_bind=True)
    connection.search(BASE, "(objectClass=inetOrgPerson)", attributes=["uid"])
    assert connection.result["description"] == "sizeLimitExceeded"
    connection.unbind()


def test_everybody_is_read(whole):
    assert {scope.resource_type: report.resources for scope, report in whole.reports.items()} == {
        "ldap_ou": 4,
        "ldap_group": 3,
        "ldap_user": EXPECTED,
    }
    assert {report.outcome for report in whole.reports.values()} == {Outcome.COMPLETE}


def test_identity_is_the_directorys_own(whole):
    ids = whole.ids("ldap_user")
    assert len(set(ids)) == EXPECTED
    assert str(uuid.UUID(ids[0])) == ids[0]


def test_memberships_nested_ones_too(whole):
    big, outer = whole.one("big").external_id, whole.one("outer").external_id
    users = [resource for _, resource in whole.all() if resource.sub_type == "ldap_user"]
    assert sum(any(link.target == big for link in user.links) for user in users) == 5001
    assert [(link.type, link.target) for link in whole.one("big").links] == [("member_of", outer)]
    assert whole.one("posix").external_id in {link.target for link in whole.one("User 1").links}


def test_escaped_commas(whole):
    joe = whole.one("Comma, Joe")
    assert whole.one("big").external_id in {link.target for link in joe.links}
    unit = whole.one("Ops, EMEA")
    assert whole.one("User 2").organization == unit.external_id


def test_organizations_are_the_units(whole):
    names = {one.external_id: (one.name, one.parent) for one in whole.tree.values()}
    assert names["directory"] == ("LDAP: localhost", "")
    people = next(number for number, (name, _) in names.items() if name == "People")
    assert {name for name, parent in names.values() if parent == people} == {"Engineering", "Ops, EMEA"}


def test_who_has_no_mail_has_no_mail(whole):
    assert "mail" not in whole.one("User 10").attributes
    assert whole.one("User 11").attributes["mail"] == "user11@example.com"
    assert whole.one("User 11").attributes["enabled"] is True


def test_no_password_is_read(whole):
    assert not [r for _, r in whole.all() if b"canary" in canonical(r)]


def test_ldaps_and_start_tls(slapd):
    for more in ({"port": slapd.tls_port, "use_ssl": True}, {"start_tls": True}):
        with opened(slapd.config(ca_cert=str(slapd.ca), **more)) as source:
            assert source.check().name == READER


def test_a_certificate_that_nobody_vouches_for(slapd):
    with pytest.raises(CredentialsError, match="LDAP_CA_CERT"), opened(slapd.config(port=slapd.tls_port, use_ssl=True)) as source:
        source.check()
    with opened(slapd.config(port=slapd.tls_port, use_ssl=True, verify_cert=False)) as source:
        assert source.check().name


@pytest.mark.parametrize(
    ("more", "kind", "sentence"),
    [
        ({"bind_password": "canary-wrong"}, CredentialsError, "does not let 'cn=reader"),
        ({"base_dn": "dc=nowhere"}, (ConfigError, ScopeError), "LDAP_BASE_DN|answered"),
        ({"port": 1}, TimedOut, "no answer"),
    ],
)
def test_what_is_wrong_is_said(slapd, more, kind, sentence):
    with pytest.raises(kind, match=sentence) as caught, opened(slapd.config(**more)) as source:
        source.check()
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({"server": "x"}, "`base_dn` is missing"),
        ({"server": "x", "base_dn": "y", "use_ssl": True, "start_tls": True}, "exclude each other"),
        ({"server": "x", "base_dn": "y", "bind_dn": "z"}, "needs `bind_password`"),
        ({"server": "x", "base_dn": "y", "user_filter": "*)(uid=*"}, "is not an LDAP filter"),
    ],
)
def test_bad_configs(config, complaint):
    with pytest.raises(ConfigError) as caught:
        parse(registry.get("ldap").config, config)
    assert complaint in str(caught.value)


def test_the_connectors_config_from_the_environment():
    environment = {"LDAP_SERVER": "s", "LDAP_BASE_DN": "b", "LDAP_PORT": "636", "LDAP_USE_SSL": "true", "LDAP_VERIFY_CERT": "false"}
    config = registry.get("ldap").connector_config(environment)
    assert config == {"server": "s", "base_dn": "b", "port": 636, "use_ssl": True, "verify_cert": False}


# --- Active Directory


@pytest.mark.parametrize(
    ("raw", "state"),
    [
        ({}, (True, False)),
        ({"userAccountControl": [b"512"]}, (True, False)),
        ({"userAccountControl": [b"514"]}, (False, False)),
        ({"userAccountControl": [b"528"]}, (True, True)),
        ({"lockoutTime": [b"0"]}, (True, False)),
        ({"lockoutTime": [b"133000000000000000"]}, (True, True)),
        ({"nsAccountLock": [b"TRUE"]}, (False, False)),
        ({"pwdAccountLockedTime": [b"000001010000Z"]}, (True, True)),
    ],
)
def test_enabled_and_locked(raw, state):
    assert tuple(entries.state(raw).values()) == state


def test_an_object_guid_is_little_endian():
    number = uuid.uuid4()
    assert entries.identity({"objectGUID": [number.bytes_le]}) == str(number)


def test_the_rid_of_a_sid():
    sid = bytes([1, 5, 0, 0, 0, 0, 0, 5]) + b"".join(part.to_bytes(4, "little") for part in (21, 1, 2, 3, 513))
    assert entries.rid(sid) == "513"


@pytest.mark.parametrize(
    ("one", "other"),
    [("CN=A, OU=B,DC=c", "cn=a,ou=b,dc=c"), ("uid=Comma\\, Joe,dc=c", "UID=Comma\\2C Joe,DC=C")],
)
def test_dns_that_mean_the_same(one, other):
    assert entries.normal(one) == entries.normal(other)
