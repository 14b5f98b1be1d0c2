"""The LDAP provider against a real OpenLDAP, and Active Directory's peculiarities by themselves."""

from __future__ import annotations

import contextlib
import socket
import uuid
from types import SimpleNamespace

import ldap3
import pytest
from peers.slapd import BASE, HIDDEN, LOCKED, PASSWORD, READER, STALE, USERS, dn_of
from peers.tcp_proxy import Proxy
from recorder import Recorder
from stored_suite import StoredSuite

from providers import registry
from providers.collected import canonical
from providers.errors import ConfigError, CredentialsError, Outcome, ScopeError, TimedOut
from providers.ldap import entries, failure
from providers.ldap.config import LdapConfig
from providers.ldap.connection import Connections
from providers.ldap.source import Directory
from providers.runner import run
from providers.schema import parse
from providers.testing import Fault, connector_of
from providers.variables import NoSettings

EXPECTED = USERS + 1


def opened(config):
    provider = registry.get("ldap")
    return contextlib.closing(provider.open(parse(provider.config, config), NoSettings()))


def read(config) -> Recorder:
    sink = Recorder()
    with opened(config) as source:
        run(source, sink)
    return sink


@pytest.fixture(scope="module")
def whole(slapd):
    return read(slapd.config(user_filter="(objectClass=inetOrgPerson)"))


class TestLdap(StoredSuite):
    """What holds for every provider, below one unit: the whole directory is read once, by the tests below."""

    provider = "ldap"
    expected = frozenset({"ldap_user", "ldap_group", "ldap_ou"})
    secrets = (PASSWORD,)

    @pytest.fixture(autouse=True)
    def peer(self, slapd, monkeypatch):
        monkeypatch.setattr("providers.http.retry.wait", lambda _: None)
        self.slapd, self.relay = slapd, Proxy(("127.0.0.1", slapd.port))
        users, groups = "(|(uid=user1)(uid=user2)(uid=user3))", "(objectClass=posixGroup)"
        self.config = slapd.config(port=self.relay.port, user_filter=users, group_filter=groups)
        yield
        self.relay.close()

    def move(self, time):
        """Writes the same values anew, in another order, and fails to sign in: operational attributes move."""
        admin = self.slapd.admin()
        for dn, name in ((dn_of(1), "sn"), (f"cn=posix,ou=Groups,{BASE}", "memberUid")):
            assert admin.search(dn, "(objectClass=*)", "BASE", attributes=[name, "modifyTimestamp"])
            values = sorted(admin.response[0]["attributes"][name], reverse=time % 2 == 1)
            assert admin.modify(dn, {name: [("MODIFY_REPLACE", values)]}), admin.result
        admin.unbind()
        stranger = ldap3.Connection(ldap3.Server("localhost", self.slapd.port, get_info=ldap3.NONE), dn_of(1), "wrong")
        assert not stranger.bind()
        stranger.unbind()

    @contextlib.contextmanager
    def inject(self, fault):
        usual = self.config
        with contextlib.ExitStack() as stack:
            match fault:
                case Fault.WRONG_CREDENTIALS:
                    self.config = {**usual, "bind_password": "wrong"}
                case Fault.EXPIRED:
                    self.config = {**usual, "bind_dn": STALE}
                case Fault.CUT:
                    self.relay.change = lambda data: None if b"user1" in data else data
                case Fault.EMPTY:
                    for number in (1, 2, 3):
                        stack.enter_context(self.slapd.changed(dn_of(number), description=[HIDDEN]))
                case Fault.DENIED | Fault.THROTTLED:
                    found = "forbidden" if fault is Fault.DENIED else "busy"
                    self.config = {**usual, "user_filter": f"(|(uid=user1)(cn={found}))"}
            yield lambda scope: scope.resource_type == "ldap_user"
        self.config, self.relay.change = usual, lambda data: data


def test_entries_come_as_bytes_alone(slapd):
    """Text of every value, as ldap3 makes it beside the bytes, is read by nobody, and takes a fifth of a sync's time."""
    with contextlib.closing(Connections(parse(LdapConfig, slapd.config()))) as connections:
        connection = connections.get()
        connection.search(BASE, "(objectClass=*)", "BASE", attributes=["objectClass"])
        [found] = connection.response

    assert found.keys() == {"type", "raw_dn", "raw_attributes"}
    assert found["raw_dn"] == BASE.encode()
    assert b"organization" in found["raw_attributes"]["objectClass"]


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


@pytest.mark.parametrize("size", [1, 2])
def test_groups_are_read_to_the_last_page_too(slapd, size):
    """Their memberships are read on the same connection, where slapd keeps the place in one search only."""
    sink = read(slapd.config(page_size=size, user_filter="(uid=user1)"))
    assert sink.report("ldap_group").resources == 3
    assert sink.report("ldap_ou").resources == 4


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
        ({"bind_dn": STALE}, CredentialsError, "its password has expired"),
        ({"bind_dn": LOCKED}, CredentialsError, "the account is locked"),
        ({"base_dn": "dc=nowhere"}, (ConfigError, ScopeError), "LDAP_BASE_DN|answered"),
        ({"port": 1}, TimedOut, "no answer"),
    ],
)
def test_what_is_wrong_is_said(slapd, more, kind, sentence, monkeypatch):
    monkeypatch.setattr("providers.http.retry.wait", lambda _: None)
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
    config = connector_of(registry.get("ldap"), environment)
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
        ({"lockoutTime": [b"133000000000000000"], entries.COMPUTED: [b"0"]}, (True, False)),
        ({entries.COMPUTED: [b"16"]}, (True, True)),
    ],
)
def test_enabled_and_locked(raw, state):
    found = entries.state(raw)
    assert (found["enabled"], found["locked"]) == state


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"0", None),
        (b"9223372036854775807", None),
        (b"130000000000000000", "2012-12-14T23:06:40+00:00"),
        (b"9223372036854775806", str(2**63 - 2)),
    ],
)
def test_when_an_account_expires(value, shown):
    assert entries.state({"accountExpires": [value]}).get("accountExpires") == shown


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b"\x30\x03\x81\x01\x00", "its password has expired"),
        (b"\x30\x08\xa0\x03\x81\x01\x05\x81\x01\x01", "the account is locked"),
        (b"\x30\x05\xa0\x03\x81\x01\x00", "check LDAP_BIND_DN"),
        (b"\x30\x00", "check LDAP_BIND_DN"),
        (b"", "check LDAP_BIND_DN"),
    ],
)
def test_what_a_password_policy_says(answer, sentence):
    """The number of grace sign-ins that are left is not an error, though it is spelt alike."""
    control = {failure.PASSWORD_POLICY: {"value": answer}}
    result = {"result": 49, "description": "invalidCredentials", "message": "", "controls": control}
    assert sentence in str(failure.refused(result, LdapConfig("server", "base", bind_dn="x", bind_password="y")))


def test_an_object_guid_is_little_endian():
    number = uuid.uuid4()
    assert entries.identity({"objectGUID": [number.bytes_le]}) == str(number)


def test_a_directory_is_the_same_in_every_run_when_its_base_entry_shows_two_ids():
    """The operator's attribute counts. Many are tried, as the order of a set is another for every name and in every process."""
    for attribute in (f"attribute{number}" for number in range(64)):
        opened = SimpleNamespace(_config=LdapConfig("server", "dc=x", id_attribute=attribute))
        assert Directory._identity(opened, {"entryUUID": [b"another"], attribute: [b"chosen"]}) == "chosen"
        assert Directory._identity(opened, {"entryUUID": [b"another"]}) == "another"


def test_the_primary_group_is_one_of_the_accounts_own_domain():
    def sid(*parts):
        return bytes([1, 5, 0, 0, 0, 0, 0, 5]) + b"".join(part.to_bytes(4, "little") for part in parts)

    assert entries.primary_group({"objectSid": [sid(21, 1, 2, 3, 1105)], "primaryGroupID": [b"513"]}) == sid(21, 1, 2, 3, 513)
    assert entries.primary_group({"objectSid": [sid(21, 1, 2, 3, 1105)]}) == b""


HOSTILE = "*)(uid=*))(|(uid=*"


def test_g09_a_name_that_looks_like_a_filter_is_a_name(slapd):
    """Read as it is, member of what it is a member of, and nobody else is taken for it."""
    admin = slapd.admin()
    dn = f"uid={HOSTILE},ou=People,{BASE}"
    assert admin.add(dn, ["inetOrgPerson"], {"uid": HOSTILE, "cn": HOSTILE, "sn": "x"}), admin.result
    assert admin.add(f"cn=hostile,ou=Groups,{BASE}", ["groupOfNames"], {"member": dn}), admin.result
    try:
        found = read(slapd.config(user_filter="(sn=x)", group_filter="(cn=hostile)"))
        [user] = found.ids("ldap_user")
        [resource] = [resource for _, resource in found.all() if resource.external_id == user]
        assert resource.name == HOSTILE
        assert [link.type for link in resource.links] == ["member_of"]
    finally:
        for one in (f"cn=hostile,ou=Groups,{BASE}", dn):
            assert admin.delete(one), admin.result
        admin.unbind()


def test_g09_a_filter_that_is_none_is_a_wrong_config(slapd):
    with pytest.raises((ConfigError, ScopeError)), opened(slapd.config(user_filter=HOSTILE)) as source:
        sink = Recorder()
        run(source, sink)
        assert sink.report("ldap_user").outcome is not Outcome.COMPLETE
        raise ScopeError(sink.report("ldap_user").message)


def test_g09_a_referral_gets_no_password(slapd):
    """The directory sends us elsewhere, where somebody waits for our bind: nobody comes."""
    manage = [("2.16.840.1.113730.3.4.2", True, None)]
    with socket.create_server(("127.0.0.1", 0)) as evil:
        admin = slapd.admin()
        dn = f"ou=elsewhere,ou=People,{BASE}"
        ref = f"ldap://127.0.0.1:{evil.getsockname()[1]}/ou=elsewhere,ou=People,{BASE}"
        assert admin.add(dn, ["referral", "extensibleObject"], {"ou": "elsewhere", "ref": ref}, controls=manage), admin.result
        try:
            found = read(slapd.config(user_filter="(uid=user1)"))
            assert len(found.ids("ldap_user")) == 1
            with contextlib.suppress(ConfigError, ScopeError, CredentialsError):  # the base itself is elsewhere
                read(slapd.config(base_dn=dn))
        finally:
            assert admin.delete(dn, controls=manage), admin.result
            admin.unbind()
        evil.settimeout(0)
        with pytest.raises(BlockingIOError):
            evil.accept()
