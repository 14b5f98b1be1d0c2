"""What users of comparable tools have reported of directories, on real servers: each case with the value that is right."""

from __future__ import annotations

import base64

import pytest
from peers.slapd import ADMIN, BASE, READER, UNPAGED, plain_user
from reading import COMPLETE, PEOPLE, groups_of, opened, outcomes, read

from providers import registry
from providers.collected import canonical
from providers.errors import ConfigError, Outcome
from providers.ldap.servers import servers
from providers.schema import parse

pytestmark = pytest.mark.usefixtures("waits")


def person(cn: str, *more: str) -> str:
    """LDIF of one person; `cn` is what stands in the DN."""
    return "\n".join([f"dn: cn={cn},ou=People,{BASE}", "objectClass: inetOrgPerson", "sn: x", *more])


# --- dir-1: nothing that one entry contains stops the others


def test_case_dir_1_names_and_values_of_every_kind_are_read(serve):
    encoded = base64.b64encode(b"caf\xe9 \xff").decode()
    directory = serve(
        person("What?", "cn: What?"),
        person("a\\2Bb\\22\\3Cc\\3E\\3B\\23\\5C", 'cn: a+b"<c>;#\\'),
        person("\\23hash", "cn: #hash"),
        person("nul\\00inside", f"cn:: {base64.b64encode(b'nul' + bytes(1) + b'inside').decode()}"),
        person("latin", "cn: latin", f"employeeType:: {base64.b64encode('Café'.encode()).decode()}", f"userPassword:: {encoded}"),
        person("huge", "cn: huge", f"description: {'x' * 200_000}", "title: kept"),
        person("two+uid=parts", "cn: two", "uid: parts"),
    )
    sink = read(directory.config(**PEOPLE))
    assert outcomes(sink) == COMPLETE, sink.report("ldap_user")
    names = {resource.name for _, resource in sink.all()}
    assert {"What?", 'a+b"<c>;#\\', "#hash", "nulinside", "latin", "huge", "two"} <= names
    assert sink.report("ldap_user").resources == 27
    huge = sink.one("huge").attributes
    assert (huge["Unreadable"], huge["title"]) == (["description"], "kept")
    assert "description" not in huge


def test_case_dir_1_an_entry_without_an_id_is_left_out_counted_and_named(serve):
    hidden = f'access to dn.exact="{plain_user(3)}" attrs=entryUUID by dn.exact="{ADMIN}" write by * none'
    sink = read(serve(access=hidden).config(**PEOPLE))
    report = sink.report("ldap_user")
    assert (report.resources, len(sink.ids("ldap_user"))) == (19, 19)
    assert report.rejected == 1, "the scope tombstones nothing"
    assert "uid=user3" in report.rejection
    assert "entryUUID" in report.rejection


# --- dir-2


def test_case_dir_2_a_name_with_a_backslash_is_not_the_name_without_it(serve):
    """And a member is found in whatever spelling the group names it."""
    group = [
        f"dn: cn=spelt,ou=Groups,{BASE}", "objectClass: groupOfNames", "cn: spelt", f"member: cn=x\\5Cy,ou=People,{BASE}",
        f"member: CN=\\c3\\89mile ,  OU=people,{BASE}", f"member: uid=Parts + CN=Two,ou=People,{BASE}",
        f"member: cn=Comma\\, Joe,ou=People,{BASE}",
    ]  # fmt: skip
    emile = base64.b64encode("Émile".encode()).decode()
    directory = serve(
        person("x\\5Cy", "cn: x\\y"),
        person("xy", "cn: xy"),
        f"dn:: {base64.b64encode(f'cn=Émile,ou=People,{BASE}'.encode()).decode()}\nobjectClass: inetOrgPerson\nsn: x\ncn:: {emile}",
        person("two+uid=parts", "cn: two", "uid: parts"),
        person("Comma\\2C Joe", "cn: Comma, Joe"),
        "\n".join(group),
    )
    sink = read(directory.config(**PEOPLE))
    members = {name for name in ("x\\y", "xy", "Émile", "two", "Comma, Joe") if "spelt" in groups_of(sink, name)}
    assert members == {"x\\y", "Émile", "two", "Comma, Joe"}
    assert sink.one("User 1").attributes["dn"] == plain_user(1), "stored as the server spells it"


# --- dir-3: what can be told apart of members that may not be read


def test_case_dir_3_a_group_that_must_have_members_and_shows_none_is_denied(serve):
    """The schema of groupOfNames requires one: every link is added to, and none is taken away."""
    hidden = f'access to attrs=member,uniqueMember,memberUid by dn.exact="{ADMIN}" write by * none'
    sink = read(serve(access=hidden).config(**PEOPLE))
    assert outcomes(sink) == {**COMPLETE, "ldap_group": Outcome.DENIED, "ldap_user": Outcome.DENIED}
    report = sink.report("ldap_user")
    assert (report.permission, report.resources) == ("member", 20)
    assert "the right to read 'member'" in report.message
    assert all(r.links_partial for scope, r in sink.all() if scope.resource_type == "ldap_user")


def test_case_dir_3_a_hidden_member_uid_cannot_be_told_from_an_empty_group(serve):
    """The schema of posixGroup does not require one, so that the guard over lost links has to hold this back."""
    group = f"dn: cn=posix,ou=Groups,{BASE}\nobjectClass: posixGroup\ncn: posix\ngidNumber: 7\nmemberUid: user1"
    hidden = f'access to attrs=memberUid by dn.exact="{ADMIN}" write by * none'
    sink = read(serve(group, access=hidden).config(**PEOPLE))
    assert outcomes(sink) == COMPLETE
    assert groups_of(sink, "User 1") == {"all"}


# --- dir-4


@pytest.mark.parametrize("limit", ["size.pr=1000 size.prtotal=15", "size.prtotal=hard"])
def test_case_dir_4_a_limit_on_all_pages_is_said_and_nothing_is_complete(serve, limit):
    sink = read(serve(users=30, limits=f"size.soft=15 size.hard=15 {limit}").config(page_size=10, **PEOPLE))
    report = sink.report("ldap_user")
    assert report.outcome is Outcome.ERROR
    assert "size limit exceeded" in report.message
    assert "raise that limit for the bind DN" in report.message
    assert sink.report("ldap_ou").outcome is Outcome.COMPLETE


def test_pages_that_are_too_large_for_the_server_are_asked_for_at_half_the_size(serve):
    sink = read(serve(users=60, limits="size.soft=500 size.pr=20 size.prtotal=unlimited").config(page_size=500, **PEOPLE))
    assert outcomes(sink) == COMPLETE
    assert sink.report("ldap_user").resources == 60


@pytest.mark.parametrize(
    "options", [{"database": UNPAGED}, {"limits": "size.soft=25 size.hard=25 size.prtotal=disabled"}], ids=["no control", "not allowed"]
)
def test_a_server_without_pages_is_read_at_once_and_that_is_told(serve, options):
    directory = serve(**options)
    with opened(directory.config(**PEOPLE)) as source:
        assert source.check().details["paging"].startswith("none")
    sink = read(directory.config(**PEOPLE))
    assert outcomes(sink) == COMPLETE
    assert sink.report("ldap_user").resources == 20


def test_a_server_without_pages_above_its_limit_is_not_complete(serve):
    sink = read(serve(users=30, limits="size.soft=25 size.hard=25 size.prtotal=disabled").config(**PEOPLE))
    assert sink.report("ldap_user").outcome is Outcome.ERROR
    assert "does not page searches for this account" in sink.report("ldap_user").message


# --- dir-5


def test_case_dir_5_the_directory_is_known_by_its_base_entry_not_by_filters_and_server_names(serve):
    directory = serve()
    wide, narrow = read(directory.config(**PEOPLE)), read(directory.config(server="127.0.0.1", user_filter="(uid=user1)"))
    spelt = read(directory.config(base_dn="DC=Example, dc=COM", **PEOPLE))
    assert set(wide.reports) == set(narrow.reports) == set(spelt.reports)
    assert {scope.coverage for scope in wide.reports} == {""}
    admin = directory.admin()
    admin.search(BASE, "(objectClass=*)", "BASE", attributes=["entryUUID"])
    assert {scope.account for scope in wide.reports} == {admin.response[0]["attributes"]["entryUUID"][0]} == {wide.who.account}
    admin.unbind()


# --- settings


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (("dc1,dc2",), ["dc1:389", "dc2:389"]),
        (("dc1 dc2:3268",), ["dc1:389", "dc2:3268"]),
        (("dc1", 636), ["dc1:636 tls"]),
        (("dc1", 3269), ["dc1:3269 tls"]),
        (("dc1", None, True), ["dc1:636 tls"]),
        (("ldaps://dc1,ldap://dc2",), ["dc1:636 tls", "dc2:389"]),
        (("[::1]:1389",), ["::1:1389"]),
        (("dc1,dc1",), ["dc1:389"]),
    ],
)
def test_servers_in_every_spelling(given, found):
    assert [f"{one.host}:{one.port}{' tls' if one.tls else ''}" for one in servers(*given)] == found


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"server": ""}, "must be one host"),
        ({"server": "http://dc1"}, "not a scheme of a directory"),
        ({"server": "ldaps://dc1", "use_ssl": False}, "contradict"),
        ({"server": "ldaps://dc1", "port": 389}, "contradict"),
        ({"server": "dc1:x"}, "a port that is not a number"),
        ({"server": "ldap://user@dc1"}, "is not a server"),
        ({"id_attribute": "(x=y)"}, "not the name of an attribute"),
    ],
)
def test_settings_that_are_refused(changes, complaint):
    with pytest.raises(ConfigError) as caught:
        parse(registry.get("ldap").config, {"server": "dc1", "base_dn": BASE, **changes})
    assert complaint in str(caught.value)


def test_another_id_attribute(serve):
    """Entries without it, and a second one with the same id, are left out and named."""
    number = [
        f"dn: uid=n{n},ou=People,{BASE}\nobjectClass: inetOrgPerson\nuid: n{n}\ncn: N {n}\nsn: x\nemployeeNumber: {n % 2}"
        for n in (1, 2, 3)
    ]
    sink = read(serve(*number).config(id_attribute="EMPLOYEENUMBER", **PEOPLE))
    assert sorted(sink.ids("ldap_user")) == ["0", "1"]
    report = sink.report("ldap_user")
    assert report.rejected == 21
    assert "EMPLOYEENUMBER" in report.rejection


def test_a_posix_accounts_primary_group_is_a_membership(serve):
    account = f"dn: uid=p,ou=People,{BASE}\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\nuid: p\ncn: P\nsn: x\nuidNumber: 5\ngidNumber: 7\nhomeDirectory: /"
    group = f"dn: cn=staff,ou=Groups,{BASE}\nobjectClass: posixGroup\ncn: staff\ngidNumber: 7"
    other = f"dn: cn=other,ou=Groups,{BASE}\nobjectClass: posixGroup\ncn: other\ngidNumber: 8"
    sink = read(serve(account, group, other).config(**PEOPLE))
    assert groups_of(sink, "P") == {"staff"}


# --- secrets, permissions, what moves


def test_nothing_secret_is_asked_for_or_stored(serve):
    secrets = person(
        "keeper",
        "cn: keeper",
        "userPassword: canary-1",
        "description: token ghp_canary0123456789canary0123456789abcd",
        "title: Password=canary-2;",
    )
    sink = read(serve(secrets).config(**PEOPLE))
    assert not [r for _, r in sink.all() if b"canary" in canonical(r)]
    asked = {name.lower() for one in registry.get("ldap").resource_types() for name in one.calls}
    assert not [name for name in asked if "password" in name]


def test_the_attributes_that_are_told_suffice_and_one_less_is_seen(serve):
    """An access rule made of exactly what is asked for gives all that an unlimited reader sees."""
    from providers.ldap import catalogue, entries

    wanted = {name for kind in catalogue.KINDS for name in catalogue.asked(kind)} | {*catalogue.MEMBERSHIPS, "entryUUID"}
    known = [name for name in sorted(wanted) if name.lower() in OPENLDAP]
    rule = f'access to attrs=userPassword by anonymous auth by * none\naccess to attrs=entry,objectClass by anonymous read by dn.exact="{READER}" read by dn.exact="{ADMIN}" write\n'
    rule += f'access to attrs=entry,{",".join(known)} by dn.exact="{ADMIN}" write by dn.exact="{READER}" read by anonymous auth\n'
    directory = serve(access=rule + f'access to * by dn.exact="{ADMIN}" write by anonymous auth by * none')
    sink = read(directory.config(**PEOPLE))
    assert outcomes(sink) == COMPLETE
    assert (sink.report("ldap_user").resources, groups_of(sink, "User 1")) == (20, {"all"})
    assert entries.IDENTITY[0] == "entryUUID"


OPENLDAP = {
    "uid", "cn", "displayname", "givenname", "sn", "mail", "title", "employeenumber", "employeetype", "telephonenumber", "manager",
    "description", "objectclass", "createtimestamp", "ou", "gidnumber", "member", "uniquemember", "memberuid", "entryuuid",
}  # fmt: skip
"""Those of the attributes that are asked for which OpenLDAP's usual schemas have."""


def test_a_sign_in_moves_nothing_that_is_stored(serve, authority):
    directory = serve()
    before = read(directory.config(**PEOPLE))
    admin = directory.admin()
    assert admin.modify(plain_user(1), {"userPassword": [("MODIFY_REPLACE", ["another"])]}), admin.result
    admin.unbind()
    after = read(directory.config(**PEOPLE))
    assert {scope: before.differences(after, scope) for scope in before.reports} == {scope: [] for scope in before.reports}
