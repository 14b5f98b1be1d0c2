"""The Okta connector against a stateful fake whose every request and answer Okta's own OpenAPI document has approved."""

from __future__ import annotations

import contextlib
import json
import re
import time

import pytest
import volatile
from peers.okta import FORBIDDEN, INVALID_TOKEN, NOT_FOUND, TOKEN, TOO_MANY
from recorder import Recorder
from stored_suite import StoredSuite

from providers import registry
from providers.errors import ConfigError, CredentialsError, Denied, Outcome
from providers.http import retry
from providers.okta import applications
from providers.okta.catalogue import KINDS, LISTINGS, PLAIN
from providers.runner import run
from providers.schema import parse
from providers.testing import Fault, connector_of
from providers.variables import NoSettings

PLAIN_ITEMS = 4
"""More than a page of every list that shows a type in full."""
SUPER, HELP = "SUPER_ADMIN", "HELP_DESK_ADMIN"


@pytest.fixture
def organization(okta):
    """More than one page of everything."""
    people = [okta.user(f"user{n}@example.com", department="R&D") for n in range(7)]
    okta.user("gone@example.com", "DEPROVISIONED")
    okta.user("asleep@example.com", "SUSPENDED")
    for n in range(4):
        okta.user(f"former{n}@example.com", "DEPROVISIONED")
    okta.group("Everyone", *okta.users, kind="BUILT_IN")
    groups = [okta.group(f"Team {n}", *people[: n + 1]) for n in range(5)]
    okta.group("Same", people[0])
    okta.group("Same", people[1], kind="APP_GROUP")
    for n in range(5):
        okta.app(f"App {n}", tuple(groups[:4]), {people[0]: "USER", people[1]: "GROUP", **dict.fromkeys(people[2:6], "USER")})
    okta.role(next(iter(okta.users)), SUPER, "USER")
    for person in people[:4]:
        okta.role(person, HELP, "USER")
        okta.role(person, "APP_ADMIN", "GROUP")
    okta.role(people[0], "CUSTOM", "USER", id="irb1", role="cr01", label="Auditor", **{"resource-set": "iamset1"})
    okta.role(groups[0], "APP_ADMIN", "GROUP")
    okta.one_of_each(PLAIN_ITEMS)
    okta.people, okta.teams = people, groups
    return okta


def config(okta, **changes):
    return {"domain": okta.url, "api_token": TOKEN, **changes}


def read(okta):
    provider = registry.get("okta")
    sink = Recorder()
    with contextlib.closing(provider.open(parse(provider.config, config(okta)), NoSettings())) as source:
        sink.tally = run(source, sink)
    return sink


@pytest.fixture
def waits(monkeypatch):
    """The seconds that were waited, without waiting."""
    waits = []
    monkeypatch.setattr(retry, "wait", waits.append)
    return waits


def links(resource, kind):
    return [link.target for link in resource.links if link.type == kind]


def test_everything_is_read_to_the_last_page_deprovisioned_users_too(organization):
    sink = read(organization)
    counts = {scope.resource_type: report.resources for scope, report in sink.reports.items()}
    plain = {kind.sub_type: PLAIN_ITEMS for kind in PLAIN}
    assert counts == {"okta_user": 14, "okta_group": 8, "okta_application": 5, "okta_admin_role": 4, "okta_role_assignment": 7, **plain}
    assert {report.outcome for report in sink.reports.values()} == {Outcome.COMPLETE}
    assert sorted(sink.ids("okta_user")) == sorted(organization.users)


def test_a_user_has_its_status_groups_and_profile_and_nothing_private(organization):
    user = {r.external_id: r for _, r in read(organization).all()}[organization.people[3]]
    everyone, *teams = list(organization.groups)[:6]
    assert (user.entity_type, user.sub_type, user.name) == ("user", "okta_user", "Ada user3")
    assert user.attributes["status"] == "ACTIVE"
    assert user.attributes["profile"]["department"] == "R&D"
    assert user.attributes["credentials"] == {"provider": {"type": "OKTA", "name": "OKTA"}}
    assert links(user, "member_of") == [everyone, *teams[3:]]
    assert "lastLogin" not in user.attributes


def test_nothing_private_or_secret_leaves_the_source(organization):
    assert "canary" not in str([resource for _, resource in read(organization).all()])


def test_two_groups_of_one_name_are_two(organization):
    same = [r for scope, r in read(organization).all() if scope.resource_type == "okta_group" and r.name == "Same"]
    assert len({group.external_id for group in same}) == 2
    assert {group.attributes["type"] for group in same} == {"OKTA_GROUP", "APP_GROUP"}


def test_an_application_is_assigned_to_groups_and_to_users_one_by_one(organization):
    app = read(organization).one("App 2")
    assert (app.entity_type, app.attributes["signOnMode"]) == ("application", "OPENID_CONNECT")
    assert links(app, "assigned_to") == sorted([*organization.teams[:4], organization.people[0], *organization.people[2:6]])


def test_an_application_with_too_many_direct_users_says_so(organization, monkeypatch):
    monkeypatch.setattr(applications, "DIRECT_USERS", 4)
    app = read(organization).one("App 2")
    assert app.attributes["directUsers"] == "more than 4"
    assert links(app, "assigned_to") == organization.teams[:4]


def test_a_role_assignment_links_a_role_and_who_has_it_and_none_is_told_twice(organization):
    sink = read(organization)
    found = [r for scope, r in sink.all() if scope.resource_type == "okta_role_assignment"]
    pairs = {(links(r, "granted_to")[0], links(r, "has_role")[0].rpartition("/")[2]) for r in found}
    people, teams = organization.people, organization.teams
    assert len({r.external_id for r in found}) == 7
    assert pairs == {
        (next(iter(organization.users)), SUPER),
        *((person, HELP) for person in people[:4]),
        (people[0], "cr01"),
        (teams[0], "APP_ADMIN"),
    }
    [auditor] = [r for r in found if r.name == "Auditor"]
    assert auditor.attributes["resource-set"] == "iamset1"


def test_only_groups_with_privileges_are_asked_for_roles(organization):
    read(organization)
    asked = [path for path, _ in organization.requests if path.startswith("/api/v1/groups/") and path.endswith("/roles")]
    assert asked == [f"/api/v1/groups/{organization.teams[0]}/roles"]


def test_no_list_is_asked_for_more_often_than_it_has_pages(organization):
    """1 + pages of users (9 / 3 and 5 / 3 and what has changed), of groups twice, of applications; members, assignments and roles by object."""
    organization.page = 200
    read(organization)
    objects = len(organization.groups) + 2 * len(organization.apps) + 5 + 1 + len(PLAIN)
    assert len(organization.requests) == 1 + 3 + 2 + 1 + 1 + objects


class TestOkta(StoredSuite):
    """What holds for every provider."""

    provider, secrets = "okta", (TOKEN, "canary-phone", "canary-question")
    expected = frozenset(kind.sub_type for kind in KINDS)

    @pytest.fixture(autouse=True)
    def peer(self, organization, waits):
        self.okta, self.config = organization, config(organization)
        self.secrets = (TOKEN,)

    def move(self, time):
        lists = {"users": self.okta.users.values(), "groups": self.okta.groups.values(), "apps": self.okta.apps.values()}
        volatile.move("okta", lists, time)

    @contextlib.contextmanager
    def inject(self, fault):
        reply = {
            Fault.DENIED: FORBIDDEN,
            Fault.CUT: (0, {}, []),
            Fault.THROTTLED: TOO_MANY,
            Fault.EMPTY: (200, {}, []),
            Fault.EXPIRED: INVALID_TOKEN,
            Fault.WRONG_CREDENTIALS: INVALID_TOKEN,
        }[fault]
        where = "/api/v1/users/me" if fault is Fault.WRONG_CREDENTIALS else "/api/v1/apps"
        self.okta.fault = lambda path, _query: reply if path == where else None
        yield lambda scope: scope.resource_type == "okta_application"
        self.okta.fault = lambda _path, _query: None


@pytest.mark.parametrize(
    ("where", "hit"),
    [
        ("/api/v1/users", {"okta_user"}),
        ("/api/v1/groups", {"okta_group", "okta_user", "okta_admin_role", "okta_role_assignment"}),
        ("/api/v1/groups/00g00000000000000003/users", {"okta_user"}),
        ("/api/v1/apps", {"okta_application"}),
        ("/api/v1/iam/assignees/users", {"okta_admin_role", "okta_role_assignment"}),
    ],
)
def test_403_of_one_list_denies_what_needs_it_and_nothing_else(organization, where, hit):
    organization.fault = lambda path, _query: FORBIDDEN if path == where else None
    reports = {scope.resource_type: report for scope, report in read(organization).reports.items()}
    assert {name for name, report in reports.items() if report.outcome is Outcome.DENIED} == hit
    assert all(report.permission and report.permission in report.message for name, report in reports.items() if name in hit)
    assert {report.outcome for name, report in reports.items() if name not in hit} == {Outcome.COMPLETE}


@pytest.mark.parametrize("reply", [FORBIDDEN, (405, {}, {}), (404, {}, {"message": "no route"}), (500, {}, {})], ids=lambda r: r[0])
def test_members_that_cannot_be_read_are_not_members_that_are_gone(organization, waits, reply):
    """One group of eight: all users are told of, and none of them loses a membership; the groups are complete."""
    organization.fault = lambda path, _query: reply if path == f"/api/v1/groups/{organization.teams[1]}/users" else None
    sink = read(organization)
    users = [r for scope, r in sink.all() if scope.resource_type == "okta_user"]
    assert sink.report("okta_user").outcome is not Outcome.COMPLETE
    assert len(users) == len(organization.users)
    assert all(user.links_partial for user in users)
    assert sink.report("okta_group").outcome is Outcome.COMPLETE


def test_members_that_are_throttled_for_good_leave_users_with_the_memberships_that_they_have(organization, waits):
    organization.fault = lambda path, _query: TOO_MANY if path.startswith("/api/v1/groups/") and path.endswith("/users") else None
    sink = read(organization)
    assert (sink.report("okta_user").outcome, sink.report("okta_user").resources) == (Outcome.THROTTLED, 14)
    assert sink.report("okta_group").outcome is Outcome.COMPLETE


def test_an_administrator_who_is_limited_to_some_groups_is_not_believed(organization):
    """Okta does not show such a one Everyone, nor who is in no group of theirs: a success that is not the whole."""
    organization.groups = {number: organization.groups[number] for number in organization.teams}
    sink = read(organization)
    for kind, count in (("okta_group", 5), ("okta_user", 14)):
        report = sink.report(kind)
        assert (report.outcome, report.resources, report.permission) == (Outcome.DENIED, count, "okta.groups.read")
        assert "Read-only Administrator" in report.message
    assert all(r.links_partial for scope, r in sink.all() if scope.resource_type == "okta_user"), (
        "of groups that are not shown, nothing is known"
    )
    assert sink.report("okta_application").outcome is Outcome.COMPLETE


def test_a_group_an_application_or_an_administrator_that_is_deleted_meanwhile_is_no_error(organization):
    gone = (f"/api/v1/groups/{organization.teams[1]}", "/api/v1/apps/0oa00000000000000001", f"/api/v1/users/{organization.people[1]}")
    organization.fault = lambda path, _query: NOT_FOUND if path.startswith(gone) else None
    sink = read(organization)
    assert {report.outcome for report in sink.reports.values()} == {Outcome.COMPLETE}
    assert sink.report("okta_application").resources == 4


def test_an_application_whose_assignments_are_refused_costs_only_itself(organization):
    organization.fault = lambda path, _query: FORBIDDEN if path == "/api/v1/apps/0oa00000000000000001/groups" else None
    sink = read(organization)
    report = sink.report("okta_application")
    assert (report.outcome, report.resources, report.permission) == (Outcome.DENIED, 5, "okta.apps.read")
    assert report.message.startswith("App 1: ")
    assert [sink.one(f"App {n}").links_partial for n in range(5)] == [False, True, False, False, False]


def test_a_user_who_comes_back_while_users_are_listed_is_not_missed(organization):
    """Deprovisioned while the first list is read, active while the second is: in neither of them."""
    number = next(user for user, found in organization.users.items() if found["status"] == "DEPROVISIONED")

    def reactivate(path, query):
        if path == "/api/v1/users" and "DEPROVISIONED" in query.get("filter", ""):
            organization.change(number, time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()), status="ACTIVE")

    organization.before = reactivate
    sink = read(organization)
    assert number in sink.ids("okta_user")
    assert sink.report("okta_user").outcome is Outcome.COMPLETE


def test_a_list_that_grows_and_shrinks_while_it_is_paged_loses_nobody(organization):
    """Okta's cursors stand on ids: who is there from the first page to the last is read once, whoever comes or goes."""
    stays = set(organization.users)

    def churn(path, query):
        if path == "/api/v1/users" and query.get("after") and not query.get("filter"):
            new = organization.user(f"new{len(organization.users)}@example.com")
            assert new > query["after"]
            stays.discard(organization.people[0])
            organization.users.pop(organization.people[0], None)
            for members in organization.members.values():
                members.discard(organization.people[0])

    organization.before = churn
    ids = read(organization).ids("okta_user")
    assert stays <= set(ids)
    assert len(ids) == len(set(ids))


def test_429_with_a_reset_is_waited_out(organization, waits):
    left = [2]

    def throttle(path, _query):
        if path == "/api/v1/apps" and left[0]:
            left[0] -= 1
            return 429, {"X-Rate-Limit-Limit": "100", "X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": str(int(time.time()) + 40)}, {}
        return None

    organization.fault = throttle
    assert read(organization).report("okta_application").outcome is Outcome.COMPLETE
    assert left == [0]
    assert len([seconds for seconds in waits if 35 <= seconds <= 41]) >= 2


def test_each_endpoint_has_a_rate_limit_of_its_own_and_a_tenth_of_it_is_left_to_others(organization, waits):
    """Members are nearly used up, so that they wait; nothing else does."""
    organization.limits["/api/v1/groups/*/users"] = (50, 6, int(time.time()) + 30)
    organization.limits["/api/v1/users"] = (600, 599, int(time.time()) + 30)
    sink = read(organization)
    members = [path for path, _ in organization.requests if path.startswith("/api/v1/groups/") and path.endswith("/users")]
    assert sink.report("okta_user").outcome is Outcome.COMPLETE
    assert waits
    assert len(waits) < len(members)
    assert all(0 < seconds <= 31 for seconds in waits)


def test_a_page_that_leads_back_ends(organization):
    loop = {"Link": f'<{organization.url}/api/v1/apps?limit=200>; rel="next"'}
    organization.fault = lambda path, _query: (200, loop, []) if path == "/api/v1/apps" else None
    report = read(organization).report("okta_application")
    assert report.outcome is Outcome.ERROR
    assert "circle" in report.message


@pytest.mark.parametrize("body", [[{"id": None}], [None], [{}]], ids=json.dumps)
@pytest.mark.parametrize("path", ["/api/v1/apps", "/api/v1/users", "/api/v1/groups", "/api/v1/zones"])
def test_an_item_without_an_id_is_left_out_counted_and_named(organization, path, body):
    """The others of its list are read, and nothing is deleted."""
    whole = read(organization)
    kind = next(kind for kind in KINDS if kind.path == path)
    organization.fault = lambda asked, query: (
        (200, {}, [*body, *organization.reply(asked, query)[2]])
        if asked == path and "after" not in query and "filter" not in query
        else None
    )
    organization.page = 200
    sink = read(organization)
    report = sink.report(kind.sub_type)
    assert report.rejected >= 1
    assert "id" in report.rejection
    assert sorted(sink.ids(kind.sub_type)) == sorted(whole.ids(kind.sub_type))


def test_check_says_who_we_are(organization):
    provider = registry.get("okta")
    with contextlib.closing(provider.open(parse(provider.config, config(organization)), NoSettings())) as source:
        identity = source.check()
    assert (identity.name, identity.account) == ("admin@example.com", organization.url.partition("://")[2])


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (INVALID_TOKEN, CredentialsError, "E0000011.*OKTA_API_TOKEN"),
        (FORBIDDEN, Denied, "okta.users.read.self"),
        (NOT_FOUND, CredentialsError, "no Okta organization at .*OKTA_DOMAIN"),
    ],
    ids=["invalid token", "forbidden", "no such organization"],
)
def test_who_is_refused_is_told_what_to_do(organization, reply, kind, words):
    organization.fault = lambda path, _query: reply if path == "/api/v1/users/me" else None
    with pytest.raises(kind, match=words):
        read(organization)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"domain": "http://example.okta.com"}, "use https"),
        ({"domain": "https://example-admin.okta.com"}, "the organization is example.okta.com"),
        ({"domain": "example.okta.com/api"}, "without a path"),
        ({"domain": "exa mple.okta.com"}, "must be a host"),
        ({"domain": "ftp://example.okta.com"}, "it must be https"),
        ({"domain": "example.okta.com:99999"}, "a port that is no number"),
        ({"domain": "https://user:pw@example.okta.com"}, "must be a host"),
        ({"api_token": "a\nb"}, "characters that no token has"),
        ({"api_tokn": "x"}, "did you mean `api_token`?"),
    ],
)
def test_bad_configs(changes, complaint):
    with pytest.raises(ConfigError) as caught:
        parse(registry.get("okta").config, {"domain": "example.okta.com", "api_token": "x", **changes})
    assert complaint in str(caught.value)
    assert "pw" not in str(caught.value)


def test_the_connector_is_configured_by_its_variables():
    provider = registry.get("okta")
    given = connector_of(provider, {"OKTA_DOMAIN": "example.okta.com", "OKTA_API_TOKEN": TOKEN})
    source = provider.open(parse(provider.config, given), NoSettings())
    assert source._organization.name == "Okta: example.okta.com"
    source.close()


def test_members_without_an_id_are_memberships_that_are_not_known(organization):
    organization.fault = lambda path, _query: (
        (200, {}, [{"login": "x"}]) if path == f"/api/v1/groups/{organization.teams[1]}/users" else None
    )
    sink = read(organization)
    assert sink.report("okta_user").outcome is Outcome.ERROR
    assert all(r.links_partial for scope, r in sink.all() if scope.resource_type == "okta_user")


def test_the_roles_of_one_user_that_cannot_be_read_cost_no_others(organization, waits):
    where = f"/api/v1/users/{organization.people[1]}/roles"
    organization.fault = lambda path, _query: (500, {}, {}) if path == where else None
    sink = read(organization)
    report = sink.report("okta_role_assignment")
    assert (report.outcome, report.resources) == (Outcome.TIMEOUT, 6)
    assert organization.people[1] in report.message


def test_a_token_that_is_revoked_within_a_run_is_not_used_again(organization):
    """At most the requests that were on their way: one sentence for each scope, no further calls."""
    revoked = []

    def revoke(path, _query):
        if path.startswith("/api/v1/groups/"):
            revoked.append(path)
        return INVALID_TOKEN if revoked else None

    organization.fault = revoke
    sink = read(organization)
    at = [path for path, _ in organization.requests].index(revoked[0])
    assert len(organization.requests) - at <= 8 + 3, "the width of the pools"
    errors = {report.message for report in sink.reports.values() if report.outcome is Outcome.ERROR}
    assert len(errors) == 1
    assert "E0000011" in errors.pop()


def test_what_changes_by_itself_changes_nothing_that_is_stored(organization):
    before = read(organization)
    organization.move("2026-06-01T00:00:00.000Z")
    after = read(organization)
    assert {scope: before.differences(after, scope) for scope in before.reports} == {scope: [] for scope in before.reports}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.sub_type)
def test_the_permissions_that_are_told_suffice_and_each_is_needed(organization, kind):
    """A token without one of the permissions of a type denies that type, and the permission is named."""
    [waits] = [one for one in registry.get("okta").resource_types() if one.sub_type == kind.sub_type]
    for missing in waits.permissions:
        paths = {call.removeprefix("GET ") for call in waits.calls} & _paths_of(missing)
        organization.fault = lambda path, _query, paths=paths: FORBIDDEN if any(_fits(path, one) for one in paths) else None
        report = read(organization).report(kind.sub_type)
        assert (report.outcome, report.permission) == (Outcome.DENIED, missing)


def _paths_of(permission):
    return {listing.path for listing in (*LISTINGS, *(kind.listing for kind in KINDS)) if listing.permission == permission}


def _fits(path, template):
    return re.fullmatch(re.sub(r"{[^}]*}", "[^/]+", template), path) is not None
