"""Parts of a directory that move to another server: what is there is not read any more, and not deleted either."""

from __future__ import annotations

import ldap3
import pytest
from peers.samba import BASE as DOMAIN
from peers.slapd import BASE, plain_user
from reading import COMPLETE, PEOPLE, outcomes, read
from store_runs import Run, add_job

from providers.errors import Outcome
from providers.ldap.config import LdapConfig
from providers.ldap.referrals import Referrals

BRANCH = f"ou=Branch,{BASE}"
MANAGE = [("2.16.840.1.113730.3.4.2", True, None)]
"""The control by which an entry that refers elsewhere is added as it is."""
IN_BRANCH = [f"uid=branch{number},{BRANCH}" for number in range(3)]


@pytest.fixture
def directory(serve):
    """A directory with a branch of three people and a group, which has one of the people outside as its member."""
    people = (f"dn: {dn}\nobjectClass: inetOrgPerson\nuid: {dn[4:11]}\ncn: {dn[4:11]}\nsn: x" for dn in IN_BRANCH)
    group = f"dn: cn=team,{BRANCH}\nobjectClass: groupOfNames\ncn: team\nmember: {plain_user(1)}"
    return serve(f"dn: {BRANCH}\nobjectClass: organizationalUnit\nou: Branch", *people, group)


def moved(directory) -> None:
    """Moves the branch to another server, as an administrator does who divides a directory."""
    admin = directory.admin()
    for dn in (*IN_BRANCH, f"cn=team,{BRANCH}", BRANCH):
        assert admin.delete(dn), admin.result
    entry = {"ou": "Branch", "ref": [f"ldap://branch.example.com/{BRANCH}".replace(" ", "%20")]}
    assert admin.add(BRANCH, ["referral", "extensibleObject"], entry, controls=MANAGE), admin.result
    admin.unbind()


@pytest.fixture
def stored(directory, database, sql):
    """Runs of one owner over the directory: reads, stores, and returns what was read and how much was deleted."""
    job = add_job(sql, provider="ldap")

    def ran(**more):
        run, sink = Run(database, job), read(directory.config(**PEOPLE, **more))
        run.reading(sink)
        run.finish()
        return sink, run.inventory.totals.deleted

    return ran


def test_a_branch_that_moves_to_another_server_is_not_deleted(directory, stored, sql):
    stored()
    before = sql.execute("select external_id, is_active from entities order by 1").fetchall()
    links = "select count(*) from dependencies where dependency_type = 'member_of'"
    memberships = sql.execute(links).fetchone()
    moved(directory)
    sink, deleted = stored()

    assert deleted == 0
    assert sql.execute("select external_id, is_active from entities order by 1").fetchall() == before
    assert sql.execute(links).fetchone() == memberships, "who is a member of the team is on the other server now"
    assert {outcomes(sink)[kind] for kind in COMPLETE} == {Outcome.ERROR}
    message = sink.report("ldap_user").message
    assert f"ldap://branch.example.com/{BRANCH}" in message
    assert "LDAP_EXPECTED_REFERENCES" in message


def test_a_branch_that_is_said_to_be_no_part_of_the_inventory_is_deleted(directory, stored, sql):
    stored()
    moved(directory)
    sink, deleted = stored(expected_references=f"dc=other,{BASE} ; OU=branch, {BASE}")

    assert deleted == len(IN_BRANCH) + 2, "the people, their group and the unit"
    assert outcomes(sink) == dict.fromkeys(outcomes(sink), Outcome.COMPLETE)
    assert "no part of this inventory" in sink.report("ldap_user").message


def test_the_zones_of_active_directory_are_referred_to_and_make_nothing_partial(samba):
    config = samba.config(start_tls=True, ca_cert=str(samba.ca))
    server = ldap3.Server(config["server"], port=config["port"], tls=ldap3.Tls(ca_certs_file=str(samba.ca)), get_info=ldap3.NONE)
    connection = ldap3.Connection(server, config["bind_dn"], config["bind_password"], auto_referrals=False, check_names=False)
    connection.start_tls()
    assert connection.bind()
    connection.search(DOMAIN, "(objectClass=person)", attributes=["cn"])
    referred = [one["uri"][0].lower() for one in connection.response if one["type"] == "searchResRef"]
    connection.unbind()
    sink = read(config)

    assert [url for url in referred if "/cn=configuration," in url], "the controller refers to its own parts"
    assert {report.outcome for report in sink.reports.values()} == {Outcome.COMPLETE}
    assert {report.message for report in sink.reports.values()} == {""}


# --- references of every kind


def unread(*urls: list[str], expected: str = "") -> tuple[str, ...]:
    config = LdapConfig(server="a", base_dn="dc=a", expected_references=expected)
    found = Referrals("dc=a", config.expected_parts)
    found.note([{"type": "searchResRef", "uri": list(one)} for one in urls])
    return found.unread


@pytest.mark.parametrize(
    "url",
    [
        "ldap://b/ou=x,cn=configuration,dc=a",  # not the configuration, but a part below one
        "ldap://b/cn=Configuration,ou=x,dc=a",  # no root of a domain
        "ldap://b/dc=emea,dc=a??sub",
        "ldaps://b",
        "ldap://b/%ff",
        "ldap://b/no name",
        "ldap://[b/dc=x,dc=a",
        "",
    ],
)
def test_a_reference_that_may_lead_to_people_is_never_passed_over(url):
    assert unread([url]) == (url,)


@pytest.mark.parametrize("expected", ["dc=emea,dc=a", "DC=EMEA , DC=A", "ou=y,dc=a;dc=emea,dc=a", "dc=a"])
def test_a_reference_is_expected_by_its_name_in_any_spelling_and_with_what_is_below(expected):
    assert unread(["ldap://b/DC=emea,DC=a??sub", "ldap://c/dc=emea,dc=a"], ["ldap://b/ou=x%20y,dc=emea,dc=a"], expected=expected) == ()


def test_a_semicolon_in_a_name_ends_no_name():
    assert unread(["ldap://b/ou=x%5C;y,dc=a"], expected="ou=x\\;y,dc=a") == ()


def test_an_expected_reference_that_is_no_name_is_refused_before_anything_is_read():
    with pytest.raises(ValueError, match="expected_references"):
        LdapConfig(server="a", base_dn="dc=a", expected_references="emea")
