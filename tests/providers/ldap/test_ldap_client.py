"""Answers of directories that are rare, by a connection whose answers are written here."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from ldap3.core.exceptions import LDAPSocketReceiveError

from providers.errors import BadAnswer, CredentialsError, Denied, Outcome, PageExpired, ScopeError, Throttled, TimedOut
from providers.http import retry
from providers.ldap import failure
from providers.ldap.client import Client
from providers.ldap.config import LdapConfig
from providers.ldap.memberships import Memberships
from providers.ldap.source import Directory
from providers.records import UNREADABLE, Incomplete, Rejected, Resource

CONFIG = LdapConfig(server="dc1.example.com", base_dn="dc=a", bind_dn="cn=reader", bind_password="s3cret")
GROUPS = "(objectClass=group)"
NO_SUCH, OPERATIONS_ERROR, DENIED = 32, 1, 50


def entry(dn: str, **attributes: list[bytes]) -> dict[str, Any]:
    return {"type": "searchResEntry", "raw_dn": dn.encode(), "raw_attributes": {k.replace("__", ";"): v for k, v in attributes.items()}}


class Scripted:
    """An ldap3 connection: `answer` takes base, filter, attributes and cookie, and gives entries, result code and the next cookie.

    A next cookie of None leaves the control of paged searches out of the answer.
    """

    def __init__(self, answer) -> None:
        self.answer, self.asked = answer, []
        self.server, self.tls_started, self.socket = SimpleNamespace(ssl=False), False, None

    def unbind(self):
        """Nothing to hang up."""

    def search(self, base, query, scope, *, attributes, paged_size=0, paged_cookie=None, **_more):
        self.asked.append((base, query, scope, paged_size))
        self.response, code, cookie, *said = self.answer(base, query, tuple(attributes), paged_cookie if paged_size else "unpaged")
        controls = {} if cookie is None else {"1.2.840.113556.1.4.319": {"value": {"cookie": cookie}}}
        self.result = {"result": code, "description": f"code {code}", "message": "".join(said), "controls": controls}


@pytest.fixture
def reading(monkeypatch):
    """A function that reads groups from a given answer; it returns them with the connection that was asked."""
    monkeypatch.setattr(retry, "wait", lambda seconds: None)

    def read(answer):
        client, connection = Client(CONFIG), Scripted(answer)
        monkeypatch.setattr("providers.ldap.connection.connect", lambda _config, _server: connection)
        found = list(client.search("dc=a", GROUPS, ["entryUUID", "objectGUID", "cn", "member"]))
        return found, connection, client

    return read


# --- ranges


def big_group(below, there=True, key="member__range=0-1"):
    """A group of more members than come at once; `below` answers the search for the rest, `there` whether its id is found."""

    def answer(base, query, attributes, cookie):
        if base != "dc=a":
            return below(base, attributes)
        if query != GROUPS:
            return ([entry("cn=#04,dc=a")] if there else []), 0, b""
        small = entry("cn=small,dc=a", entryUUID=[b"s"], member=[b"cn=u,dc=a"])
        return [entry("cn=#04,dc=a", objectGUID=[b"\0\1("], **{key: [b"cn=u,dc=a", b"cn=v,dc=a"]}), small], 0, b""

    return answer


@pytest.mark.parametrize("code", [NO_SUCH, OPERATIONS_ERROR, DENIED, 34, 8, 13, 49, 53])
def test_case_dir_13_a_group_whose_further_members_are_refused_stays_with_those_that_came(reading, code):
    """Active Directory cuts at 1,500; a server may refuse the DN that it has given itself, as one of BER values."""
    found, _, _ = reading(big_group(lambda *_: ([], code, None)))
    big, small = found
    assert (big.raw["member"], big.raw[UNREADABLE]) == ([b"cn=u,dc=a", b"cn=v,dc=a"], [b"member"])
    assert UNREADABLE not in small.raw
    memberships = Memberships({})
    memberships.add("big", "cn=#04,dc=a", big.raw)
    assert memberships.partial
    assert "does not go on with its member" in next(memberships.reports("ldap_group")).message


def test_case_dir_13_a_group_that_is_deleted_while_its_members_are_read_is_gone(reading):
    found, connection, _ = reading(big_group(lambda *_: ([], NO_SUCH, None), there=False))
    assert [one.dn for one in found] == [b"cn=small,dc=a"]
    assert "(objectGUID=\\00\\01\\28)" in [query for _, query, *_ in connection.asked]


def test_case_dir_13_a_range_under_another_case_of_its_name_is_read(reading):
    def below(base, attributes):
        return [entry(base, **{"Member__range=2-*": [b"cn=w,dc=a"]})], 0, None

    found, _, _ = reading(big_group(below, key="Member__range=0-1"))
    assert found[0].raw["member"] == [b"cn=u,dc=a", b"cn=v,dc=a", b"cn=w,dc=a"]


def ranges(*answers: tuple[str, int]):
    """The answers to the searches for the rest of a group, one after the other and the last for ever: a range and how many values."""
    left = list(answers)

    def below(base, attributes):
        name, count = left.pop(0) if len(left) > 1 else left[0]
        return [entry(base, **{f"member__range={name}": [b"cn=w%d,dc=a" % number for number in range(count)]})], 0, None

    return below


def test_a_range_that_jumps_once_is_read_anew(reading):
    found, _, _ = reading(big_group(ranges(("3-*", 1), ("2-*", 2))))
    assert found[0].raw["member"] == [b"cn=u,dc=a", b"cn=v,dc=a", b"cn=w0,dc=a", b"cn=w1,dc=a"]
    assert UNREADABLE not in found[0].raw


def test_a_range_that_jumps_each_time_is_no_complete_group(reading):
    with pytest.raises(PageExpired, match="did not go on with the member of 'cn=#04,dc=a' at 2"):
        reading(big_group(ranges(("3-*", 1))))


@pytest.mark.parametrize("answer", [("2-1", 0), ("2-1", 1), ("2-3", 1), ("2-3", 0), ("2-2", 2)])
def test_a_range_that_does_not_hold_what_it_names_leaves_the_group_in_part(reading, answer):
    """The first of them would be asked for again without end."""
    big, small = reading(big_group(ranges(answer)))[0]
    assert (big.raw["member"], big.raw[UNREADABLE]) == ([b"cn=u,dc=a", b"cn=v,dc=a"], [b"member"])
    assert UNREADABLE not in small.raw


def test_a_first_range_that_is_short_leaves_the_group_in_part(reading):
    big, _ = reading(big_group(ranges(("5-*", 1)), key="member__range=0-4"))[0]
    assert big.raw[UNREADABLE] == [b"member"]


def test_a_range_that_is_throttled_is_no_trouble_of_one_group(reading):
    with pytest.raises(Throttled):
        reading(big_group(lambda *_: ([], 51, None)))


# --- names


def test_a_unit_whose_name_matches_that_of_another_is_rejected_and_hides_none(monkeypatch):
    """The directory tells them apart by a rule of its own, and units are found by their names."""
    units = [entry(f"ou={name},dc=a", entryUUID=[f"{number}".encode()]) for number, name in enumerate(("Stra\u00dfe", "strasse", "Weg"))]
    directory = Directory(CONFIG)
    monkeypatch.setattr(directory._client.connections, "get", lambda: Scripted(lambda *_: (units, 0, b"")))
    found = list(directory._read_units())

    assert [one.external_id for one in found if isinstance(one, Resource)] == ["0", "2"]
    [rejected] = [one for one in found if isinstance(one, Rejected)]
    assert (rejected.name, "another unit has the same name" in rejected.reason) == ("ou=strasse,dc=a", True)


# --- memberships


def test_a_member_that_is_no_name_leaves_the_memberships_in_part():
    known = Memberships({})
    known.add("1", "cn=g,dc=a", {"member": [b"cn=u,dc=a", b"\xff", b"no name"]})
    [report] = known.reports("ldap_user")

    assert known.partial
    assert (report.outcome, "2 cannot be read" in report.message) == (Outcome.ERROR, True)


def test_people_keep_their_memberships_where_the_groups_are_refused(monkeypatch):
    def answer(_base, query, _attributes, _cookie):
        if query == CONFIG.group_filter:
            return [], DENIED, b""
        return [entry("cn=u,dc=a", entryUUID=[b"u"], objectClass=[b"person"])] if query == CONFIG.user_filter else [], 0, b""

    directory = Directory(CONFIG)
    monkeypatch.setattr(directory._client.connections, "get", lambda: Scripted(answer))
    found = list(directory._read_users())

    assert [one.links_partial for one in found if isinstance(one, Resource)] == [True]
    assert [one.outcome for one in found if isinstance(one, Incomplete)] == [Outcome.DENIED]


# --- pages


def many(count: int):
    return [entry(f"cn=g{number},dc=a", entryUUID=[str(number).encode()]) for number in range(count)]


def test_case_dir_14_a_full_page_without_a_word_on_the_next_is_not_the_last(reading):
    """A proxy between us and the directory drops the control from the answer, and the directory keeps to the page's size."""
    everything = many(1_200)
    found, _, client = reading(lambda _b, _q, _a, cookie: (everything if cookie == "unpaged" else everything[:500], 0, None))
    assert (len(found), client.paged) == (1_200, False)


def test_a_page_that_is_not_full_and_has_no_word_on_the_next_is_not_the_last(reading):
    """The directory gives smaller pages than it is asked for, and a proxy drops the control from each answer, or from a later one."""
    everything = many(1_200)
    for first in (None, b"next"):
        found, _, client = reading(lambda _b, _q, _a, cookie, first=first: (
            (everything, 0, None) if cookie == "unpaged" else (everything[100:200], 0, None) if cookie else (everything[:100], 0, first)
        ))  # fmt: skip
        assert (len(found), client.paged) == (1_200, False)


def test_case_dir_14_a_full_page_without_a_word_is_an_error_where_there_is_a_limit(reading):
    everything = many(1_200)
    with pytest.raises(ScopeError, match=r"size limit exceeded.*does not page searches"):
        reading(lambda _b, _q, _a, cookie: (everything[:1000], 4, None) if cookie == "unpaged" else (everything[:500], 0, None))


def test_case_dir_14_pages_that_a_directory_is_unwilling_to_give_are_read_at_once(reading):
    everything = many(3)
    found, _, client = reading(lambda _b, _q, _a, cookie: (everything, 0, None) if cookie == "unpaged" else ([], 53, None))
    assert (len(found), client.paged) == (3, False)


def test_case_dir_14_a_directory_that_is_unwilling_altogether_says_why(reading):
    with pytest.raises(ScopeError, match=r"code 53 .*\(it says: the database is being rebuilt\)"):
        reading(lambda *_: ([], 53, None, "the database is being rebuilt\0"))


@pytest.mark.parametrize(
    ("code", "kind"),
    [(3, ScopeError), (4, ScopeError), (11, ScopeError), (51, Throttled), (52, TimedOut), (53, PageExpired), (2, PageExpired),
     (1, ScopeError), (50, Denied), (80, TimedOut), (33, ScopeError)],
)  # fmt: skip
def test_no_code_at_the_edge_of_two_pages_makes_a_short_list(reading, code, kind):
    """The first page is full, and the second one fails, with none of its entries or with some."""
    everything = many(900)
    for came in (0, 10):
        with pytest.raises((kind, ScopeError)):
            reading(lambda _b, _q, _a, cookie, came=came: (
                (everything, 4, None) if cookie == "unpaged" else
                (everything[:500], 0, b"next") if not cookie else (everything[500 : 500 + came], code, None)
            ))  # fmt: skip


@pytest.mark.parametrize("code", [2, 53])
def test_a_cookie_that_has_expired_is_no_more_than_a_new_beginning(reading, code):
    everything, refused = many(900), []

    def answer(_base, _query, _attributes, cookie):
        if cookie and not refused:
            refused.append(cookie)
            return [], code, None
        return (everything[500:], 0, b"") if cookie else (everything[:500], 0, b"next")

    found, _, client = reading(answer)
    assert [one.dn for one in found] == [one["raw_dn"] for one in everything]
    assert (refused, client.paged) == ([b"next"], True)


def test_a_cookie_is_not_shown_to_another_connection_than_its_own(reading):
    """The connection breaks while the first page's group is read on: to the next one, the cookie is of a search that it never saw."""
    everything, broken, shown = many(900), [], []
    group = entry("cn=big,dc=a", entryUUID=[b"big"], **{"member__range=0-0": [b"cn=u,dc=a"]})

    def answer(base, _query, _attributes, cookie):
        if base != "dc=a":
            if not broken:
                broken.append(base)
                raise LDAPSocketReceiveError("connection reset")
            return [entry(base, **{"member__range=1-*": [b"cn=v,dc=a"]})], 0, None
        shown.append(cookie)
        return (everything[500:], 0, b"") if cookie else ([group, *everything[:500]], 0, b"new" if len(shown) > 1 else b"old")

    found, _, client = reading(answer)
    assert (len(found), client.connections.number, shown) == (901, 2, [None, None, b"new"])


# --- references and refusals


def test_parts_on_other_servers_are_named_and_the_zones_of_active_directory_are_not(reading):
    urls = [
        "ldap://ForestDnsZones.a/DC=ForestDnsZones,DC=a", "ldap://DomainDnsZones.a/DC=DomainDnsZones,DC=a",
        "ldap://a/CN=Configuration,DC=a", "ldap://branch.a/ou=branch,dc=a",
    ]  # fmt: skip
    _, _, client = reading(lambda *_: ([*({"type": "searchResRef", "uri": [url]} for url in urls), *many(2)], 0, b""))
    assert client.referrals.unread == ("ldap://branch.a/ou=branch,dc=a",)


@pytest.mark.parametrize(
    ("code", "message", "words"),
    [
        (53, "Account inactivated. Contact system administrator.", "Account inactivated"),
        (19, "Exceed password retry limit. Please try later.", "Exceed password retry limit"),
        (49, "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 9999, v3839\0", "data 9999"),
    ],
)
def test_a_refused_bind_is_told_in_the_directorys_own_words(code, message, words):
    error = failure.refused({"result": code, "description": "refused", "message": message, "controls": {}}, CONFIG)
    assert isinstance(error, CredentialsError)
    assert re.search(rf"\(it says: .*{words}", str(error))
    assert "\0" not in str(error)


def test_an_answer_that_is_no_ldap_is_no_empty_list(reading):
    def broken(*_):
        raise IndexError("bytearray index out of range")

    with pytest.raises(BadAnswer):
        reading(broken)
