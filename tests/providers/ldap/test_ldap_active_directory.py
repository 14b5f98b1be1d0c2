"""The LDAP provider against a real Active Directory domain controller, with the settings of the quick start's example."""

from __future__ import annotations

import contextlib
import re
import uuid

import ldap3
import pytest
from peers.samba import BASE, BIND_DN, MAX_RANGE, PASSWORD, UNITS, USER_FILTER, USERS, dn_of
from recorder import Recorder
from stored_suite import writes_nothing

from providers import registry
from providers.collected import canonical, check_resource
from providers.errors import ConfigError, CredentialsError, Outcome
from providers.ldap import entries
from providers.runner import run
from providers.schema import parse
from providers.testing import connector_of
from providers.variables import NoSettings

pytestmark = pytest.mark.timeout(300)  # the domain is made within the first test

EXPECTED = USERS + 5  # Administrator, Guest, krbtgt, the account for DNS, and ours


def opened(config):
    provider = registry.get("ldap")
    return contextlib.closing(provider.open(parse(provider.config, config), NoSettings()))


def read(config) -> Recorder:
    sink = Recorder()
    with opened(config) as source:
        run(source, sink)
    return sink


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr("providers.http.retry.wait", lambda _: None)


@pytest.fixture(scope="module")
def whole(samba):
    return read(samba.config(start_tls=True, ca_cert=str(samba.ca)))


def groups(whole, name: str) -> set[str]:
    """The names of the groups of which somebody is a member."""
    ids = {resource.external_id: resource.name for _, resource in whole.all()}
    return {ids[link.target] for link in whole.one(name).links if link.type == "member_of"}


def test_every_resource_is_well_formed(whole):
    for scope, resource in whole.all():
        check_resource(scope, resource)


def test_more_than_a_page_of_everybody_with_the_directorys_own_ids(whole):
    report = whole.report("ldap_user")
    assert (report.outcome, report.resources) == (Outcome.COMPLETE, EXPECTED)
    ids = whole.ids("ldap_user")
    assert len(set(ids)) == EXPECTED
    assert {str(uuid.UUID(number)) for number in ids} == set(ids)


def test_machines_are_no_users(whole):
    assert "DC" not in {resource.name for _, resource in whole.all() if resource.sub_type == "ldap_user"}


def test_units_at_all_levels(whole):
    tree = {one.name: one for one in whole.tree.values()}
    assert tree["LDAP: localhost"].parent == ""
    assert tree["Ops, EMEA"].parent == tree["Engineering"].external_id
    assert tree["Engineering"].parent == tree["People"].external_id
    assert whole.one("User 2").organization == tree["Ops, EMEA"].external_id
    assert whole.one("admin").organization == "directory", "cn=Users is not an organizational unit"


def test_every_state_of_an_account(whole):
    def state(number):
        found = whole.one(f"User {number}").attributes
        return {name: found.get(name) for name in ("enabled", "locked", "passwordExpired", "accountExpires")}

    usual = {"enabled": True, "locked": False, "passwordExpired": False, "accountExpires": None}
    assert state(1) == {**usual, "enabled": False}
    assert state(2) == {**usual, "locked": True}
    assert state(3) == {**usual, "accountExpires": "2012-12-14T23:06:40+00:00"}
    assert state(4) == {**usual, "passwordExpired": True}


def test_what_changes_with_every_sign_in_is_not_stored(whole):
    volatile = {
        "logonCount",
        "lastLogon",
        "lastLogonTimestamp",
        "badPwdCount",
        "badPasswordTime",
        "pwdLastSet",
        "uSNChanged",
        "whenChanged",
    }
    volatile |= {*entries.STATE} - {"accountExpires"}
    assert not volatile & set(whole.one("User 2").attributes)
    assert not [resource for _, resource in whole.all() if PASSWORD.encode() in canonical(resource)]


def test_the_primary_group_is_a_membership_that_no_member_attribute_names(whole):
    assert groups(whole, "User 7") == {"big", "Domain Users"}
    assert groups(whole, "User 5") == {"big", "staff", "Domain Users"}
    assert "foreign" not in {group for number in range(20) for group in groups(whole, f"User {number}")}, "its SID is of another domain"


def test_nested_groups(whole):
    assert groups(whole, "big") == {"outer"}


def test_a_group_of_more_members_than_the_directory_gives_at_once(samba, whole):
    """pg-ldap-sync#32: a group of one more than the limit lost all its members."""
    with samba.limited(), opened(samba.config(port=samba.plain_port)) as source:
        [(_, found)] = source._client.search(f"CN=big,{UNITS[0]},{BASE}", "(objectClass=*)", ["member", "cn"], "BASE")
    assert len(found["member"]) == len(set(found["member"])) == USERS > 2 * MAX_RANGE
    assert set(found) == {"member", "cn"}
    with samba.limited():
        ranged = read(samba.config(port=samba.plain_port))
    assert {scope: ranged.differences(whole, scope) for scope in ranged.reports} == {scope: [] for scope in whole.reports}


def test_a_range_that_is_refused_is_no_end(samba):
    """The scope is not complete with what came before: the 901st member has not left."""
    relay = samba.relays[2]
    with samba.limited(), opened(samba.config(port=samba.plain_port)) as source:
        limited = relay.change
        relay.change = lambda data: None if b"range=700-*" in data else limited(data)
        sink = Recorder()
        run(source, sink)
    assert {name: sink.report(name).outcome for name in ("ldap_ou", "ldap_group", "ldap_user")} == {
        "ldap_ou": Outcome.COMPLETE,
        "ldap_group": Outcome.TIMEOUT,
        "ldap_user": Outcome.TIMEOUT,
    }


# --- the door


def test_the_quick_starts_example_is_told_to_encrypt(samba):
    """LDAP_PORT=389 and LDAP_USE_SSL=false, at a server that has hardened its door."""
    environment = {
        "LDAP_ENABLED": "true",
        "LDAP_SERVER": "localhost",
        "LDAP_PORT": str(samba.port),
        "LDAP_USE_SSL": "false",
        "LDAP_VERIFY_CERT": "true",
        "LDAP_BIND_DN": "cn=admin,cn=Users,dc=example,dc=com",
        "LDAP_BIND_PASSWORD": PASSWORD,
        "LDAP_BASE_DN": "dc=example,dc=com",
        "LDAP_USER_FILTER": "(&(objectClass=user)(objectCategory=person))",
        "LDAP_GROUP_FILTER": "(objectClass=group)",
    }
    config = connector_of(registry.get("ldap"), environment)
    with (
        pytest.raises(CredentialsError, match="unencrypted connection: set LDAP_START_TLS=true or LDAP_USE_SSL=true"),
        opened(config) as source,
    ):
        source.check()
    at_the_open_door = connector_of(registry.get("ldap"), {**environment, "LDAP_PORT": str(samba.plain_port)})
    sink = read({**at_the_open_door, "user_filter": at_the_open_door["user_filter"]})
    assert {report.outcome for report in sink.reports.values()} == {Outcome.COMPLETE}
    assert sink.report("ldap_user").resources == EXPECTED


@pytest.mark.parametrize("way", [{"start_tls": True}, {"use_ssl": True}])
def test_encrypted_and_verified(samba, authority, tmp_path, way):
    from peers.certificates import Authority

    port = samba.tls_port if "use_ssl" in way else samba.port
    with opened(samba.config(port=port, ca_cert=str(samba.ca), **way)) as source:
        assert source.check().name == BIND_DN
    with (
        pytest.raises(CredentialsError, match="LDAP_CA_CERT"),
        opened(samba.config(port=port, ca_cert=str(Authority(tmp_path).ca), **way)) as source,
    ):
        source.check()
    with opened(samba.config(port=port, verify_cert=False, ca_cert=str(Authority(tmp_path).ca), **way)) as source:
        assert source.check().name == BIND_DN


@pytest.mark.parametrize(
    ("who", "password", "sentence"),
    [
        (BIND_DN, "canary-wrong", "the password is wrong, or there is no such account"),
        (f"cn=nobody,{BASE}", PASSWORD, "the password is wrong, or there is no such account"),
        (dn_of(1), PASSWORD, "the account is disabled"),
        (dn_of(2), PASSWORD, "the account is locked"),
        (dn_of(3), PASSWORD, "the account has expired"),
        (dn_of(4), PASSWORD, "must be changed at the next sign-in"),
    ],
)
def test_who_is_not_let_in_is_told_why(samba, who, password, sentence):
    config = samba.config(port=samba.plain_port, bind_dn=who, bind_password=password)
    with pytest.raises(CredentialsError, match=sentence) as caught, opened(config) as source:
        source.check()
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("who", ["admin@example.com", "EXAMPLE\\admin"])
def test_active_directorys_other_names_for_an_account(samba, who):
    with opened(samba.config(port=samba.plain_port, bind_dn=who)) as source:
        assert source.check().name == who


def test_nobody_is_told_to_sign_in(samba):
    config = {name: value for name, value in samba.config(port=samba.plain_port).items() if not name.startswith("bind")}
    with pytest.raises(CredentialsError, match="set LDAP_BIND_DN"), opened(config) as source:
        source.check()


@pytest.mark.parametrize("base", ["dc=nowhere", f"ou=nowhere,{BASE}", "nonsense"])
def test_a_base_that_is_not_there(samba, base):
    with pytest.raises(ConfigError, match="LDAP_BASE_DN"), opened(samba.config(port=samba.plain_port, base_dn=base)) as source:
        source.check()


# --- cases


@pytest.fixture
def added(samba):
    """Adds users by their names for the time of a test."""
    server = ldap3.Server("localhost", samba.plain_port, get_info=ldap3.NONE)
    admin = ldap3.Connection(server, f"cn=Administrator,cn=Users,{BASE}", PASSWORD, auto_bind=True, check_names=False)
    made = []

    def add(dn: str, **attributes) -> str:
        made.append(f"{dn},{UNITS[0]},{BASE}")
        assert admin.add(made[-1], ["user"], {"sAMAccountName": f"odd{len(made)}", "userAccountControl": "514", **attributes}), admin.result
        return made[-1]

    yield add
    for dn in made:
        assert admin.delete(dn), admin.result
    admin.unbind()


def test_case_dir_1_a_user_named_what(samba, added):
    """And other names that users have: each is read, as is everybody else."""
    names = ["What?", "a*b", "(c)", "semi;colon", "x=y", "50% & more!", "#first", "Ünïcode ☃", "two  spaces", 'q"uote', "back\\slash"]
    for name in names:
        escaped = re.sub(r'([,\\#+<>;"=])', r"\\\1", name)
        added(f"CN={escaped}")
    sink = read(samba.config(port=samba.plain_port))
    report = sink.report("ldap_user")
    assert (report.outcome, report.rejected, report.resources) == (Outcome.COMPLETE, 0, EXPECTED + len(names))
    assert set(names) <= {resource.name for _, resource in sink.all()}


MOVING = {
    BIND_DN: {"badPasswordTime", "lastLogon", "uSNChanged", "whenChanged"},
    dn_of(9): {"badPasswordTime", "badPwdCount", "uSNChanged", "whenChanged"},
    f"CN=Domain Admins,CN=Users,{BASE}": {"uSNChanged", "whenChanged"},
}
"""Entry -> the attributes that move when somebody signs in, or changes something to and fro."""


def test_an_unchanged_domain_writes_nothing_whatever_its_counters_say(samba, database, sql):
    users = f"(&{USER_FILTER}(|(cn=admin)(cn=User 9)(cn=User 10)))"
    config = samba.config(port=samba.plain_port, user_filter=users, group_filter="(cn=Domain Admins)")
    first = read(config)
    before = {dn: samba.attributes(dn, names) for dn, names in MOVING.items()}
    for dn in (BIND_DN, dn_of(9)):
        assert samba.bind(dn, "wrong")["description"] == "invalidCredentials"
    assert samba.bind(BIND_DN, PASSWORD)["description"] == "success"
    for dn in MOVING:
        for values in (["moved"], []):
            samba.change(dn, info=values)
    stayed = [(dn, name) for dn, names in MOVING.items() for name in names if samba.attributes(dn, names)[name] == before[dn][name]]

    assert stayed == []
    assert {resource.sub_type for _, resource in first.all()} == {"ldap_user", "ldap_group", "ldap_ou"}
    writes_nothing(database, sql, "ldap", first, read(config))


def test_case_dir_5_the_identity_is_the_domains_own(samba, whole):
    admin = ldap3.Connection(ldap3.Server("localhost", samba.plain_port, get_info=ldap3.NONE), BIND_DN, PASSWORD, auto_bind=True)
    admin.search(BASE, "(objectClass=*)", "BASE", attributes=["objectGUID"])
    number = str(uuid.UUID(bytes_le=admin.response[0]["raw_attributes"]["objectGUID"][0]))
    admin.unbind()
    assert {scope.account for scope in whole.reports} == {number}
