"""Lists of Okta that are refused, throttled or cut, and items that change or vanish while they are read."""

from __future__ import annotations

import json
import time

import pytest
from okta_organization import read
from peers.okta import FORBIDDEN, INVALID_TOKEN, NOT_FOUND, TOO_MANY

from providers.errors import CredentialsError, Outcome
from providers.http.credential import TRIES
from providers.okta.catalogue import KINDS


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


@pytest.mark.parametrize(("reply", "asked"), [(None, 2), (FORBIDDEN, 1), ((500, {}, {}), 5)], ids=["super: two pages", "another", "silent"])
def test_applications_have_a_note_unless_a_super_administrator_reads_them(organization, waits, reply, asked):
    """Okta shows admin roles to no other, and nothing else tells an administrator who is limited to some applications."""
    where = "/api/v1/iam/assignees/users"
    organization.fault = lambda path, _query: reply if path == where else None
    report = read(organization).report("okta_application")

    assert (report.outcome, report.resources) == (Outcome.COMPLETE, 5)
    assert ("it cannot be told whether the admin role is limited to some applications" in report.message) is (reply is not None)
    assert [path for path, _ in organization.requests].count(where) == asked, "once for both reads"


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


def test_a_token_that_is_revoked_within_a_run_is_not_used_again(organization, waits):
    """The requests that were on their way, and those that ask whether it is the token: then the run ends with one sentence."""
    revoked = []

    def revoke(path, _query):
        if path.startswith("/api/v1/groups/"):
            revoked.append(path)
        return INVALID_TOKEN if revoked else None

    organization.fault = revoke
    with pytest.raises(CredentialsError, match="E0000011"):
        read(organization)
    at = [path for path, _ in organization.requests].index(revoked[0])
    assert len(organization.requests) - at <= 3 * 8 + 3 + TRIES, "three reads with a pool each, and the question"
