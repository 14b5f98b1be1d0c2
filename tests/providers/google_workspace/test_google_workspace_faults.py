"""Lists of Google Workspace that are throttled, refused or cut, and groups that do not show their members."""

from __future__ import annotations

import pytest
from directory_reports import ROLES_SCOPE, USERS_SCOPE, by_id, links, reports
from peers import google_refusals as refusals
from peers.google_customer import PEOPLE, group

from providers.errors import Outcome
from providers.google_workspace import members
from providers.pages import RESTARTS


@pytest.mark.parametrize("reason", ["userRateLimitExceeded", "quotaExceeded", "rateLimitExceeded"])
def test_a_rate_limit_is_waited_for_and_is_no_missing_permission(google, customer, read, reason):
    with google.failing(refusals.throttled(reason), "directory.users.list", times=2):
        assert reports(read())["google_user"].outcome is Outcome.COMPLETE
    with google.failing(refusals.throttled(reason), "directory.users.list"):
        report = reports(read())["google_user"]

    assert (report.outcome, report.permission) == (Outcome.THROTTLED, "")
    assert reason in report.message


def test_a_missing_right_names_the_person_and_the_scope(google, customer, read):
    with google.failing(refusals.denied(), "directory.users.list"):
        report = reports(read())["google_user"]

    assert (report.outcome, report.permission) == (Outcome.DENIED, USERS_SCOPE)
    assert "admin@example.com has no admin role" in report.message
    assert len(google.asked("directory.users.list")) == 1, "nobody asks a second time"


def test_a_scope_that_is_not_delegated_denies_what_it_covers_alone(google, customer, read):
    google.tokens.delegated = {f"https://www.googleapis.com/auth/admin.directory.{name}.readonly" for name in ("user", "group", "orgunit")}
    found = reports(read())

    denied = {kind for kind, report in found.items() if report.outcome is Outcome.DENIED}
    assert denied == {"google_admin_role", "google_role_assignment", "google_domain"}
    assert found["google_admin_role"].permission == ROLES_SCOPE
    assert ROLES_SCOPE in found["google_admin_role"].message
    assert found["google_user"].outcome is Outcome.COMPLETE


def test_an_api_that_is_not_enabled_is_unsupported(google, customer, read):
    with google.failing(refusals.disabled("admin.googleapis.com"), "directory.domains.list"):
        report = reports(read())["google_domain"]

    assert report.outcome is Outcome.UNSUPPORTED
    assert "admin.googleapis.com is not enabled" in report.message


def test_without_the_units_nobody_is_moved(google, customer, read):
    with google.failing(refusals.denied(), "directory.orgunits.list"):
        found = read()

    result = reports(found)
    assert (result["google_ou"].outcome, result["google_user"].outcome) == (Outcome.DENIED, Outcome.DENIED)
    assert result["google_user"].resources == 0
    assert result["google_group"].outcome is Outcome.COMPLETE


def test_a_group_whose_members_cannot_be_read_stays_and_nobody_loses_a_membership(google, customer, read):
    with google.failing(refusals.BROKEN, lambda call: call.path.get("groupKey") == "g-sales"):
        found = read()

    result, things = reports(found), by_id(found)
    assert (result["google_group"].outcome, result["google_group"].resources) == (Outcome.COMPLETE, 7)
    assert "1 of 7 groups have members that could not be read, sales@example.com among them" in result["google_group"].message
    assert result["google_user"].outcome is Outcome.COMPLETE
    lost = ["externalMemberCount", "externalMembers", "includesEverybody", "managers", "owners"]
    assert things["g-sales"].attributes["Unreadable"] == lost
    assert not set(lost) & set(things["g-sales"].attributes)
    assert "Unreadable" not in things["g-emea"].attributes
    assert all(things[one].links_partial for one in ("u1", "g-emea", "u100"))
    assert links(things["u1"]) == ["g-big", "g-emea"]


def test_groups_none_of_which_shows_its_members_are_no_complete_scope(google, customer, read):
    with google.failing(refusals.denied(), "directory.members.list"):
        report = reports(read())["google_group"]

    assert (report.outcome, report.resources) == (Outcome.DENIED, 7)
    assert report.permission.endswith("admin.directory.group.readonly")


def test_members_that_are_refused_to_the_sign_in_alone_are_the_groups_trouble(google, customer, read):
    with google.failing(refusals.EXPIRED, "directory.members.list"):
        found = read()

    assert reports(found)["google_group"].outcome is Outcome.ERROR
    assert "is refused to these credentials, though" in reports(found)["google_group"].message
    assert {"managers", "owners"} <= set(by_id(found)["g-sales"].attributes["Unreadable"])
    assert by_id(found)["u1"].links_partial


@pytest.mark.parametrize(
    ("method", "sub_type", "count", "field"),
    [
        ("users", "google_user", PEOPLE + 4, "id"),
        ("groups", "google_group", 7, "id"),
        ("roles", "google_admin_role", 5, "roleId"),
        ("roleAssignments", "google_role_assignment", 4, "roleAssignmentId"),
    ],
)
def test_an_item_without_an_id_is_left_out_counted_and_told_and_the_others_are_read(google, customer, read, method, sub_type, count, field):
    usual = google.items[f"directory.{method}.list"]
    deleted = method == "users"
    google.items[f"directory.{method}.list"] = lambda call: [
        *usual(call),
        *([] if deleted and call.query.get("showDeleted") == "true" else [{}, {"etag": '"e"'}]),
    ]
    report = reports(read())[sub_type]

    assert (report.outcome, report.resources) == (Outcome.ERROR, count)
    assert f"was left out: it has no {field}" in report.message
    assert "1 item of 'list " in report.message


def test_a_page_that_is_too_large_is_asked_for_at_half_the_size(google, customer, read):
    google.too_large["directory.users.list"] = 130
    found = read()

    assert reports(found)["google_user"].resources == PEOPLE + 4
    assert {report.outcome for report in found.reports.values()} == {Outcome.COMPLETE}
    assert {call.query["maxResults"] for call in google.asked("directory.users.list")} == {"500", "250", "125"}


def test_without_any_groups_people_are_read_and_keep_their_memberships(google, customer, read):
    with google.failing(refusals.denied(), "directory.groups.list"):
        found = read()

    assert reports(found)["google_group"].outcome is Outcome.DENIED
    assert reports(found)["google_user"].resources == PEOPLE + 4
    assert all(one.links_partial and not one.links for one in by_id(found).values() if one.sub_type == "google_user")
    assert len(google.asked("directory.groups.list")) == 1


def test_it_gives_up_when_no_group_shows_its_members(google, customer, read):
    customer.groups = [group(f"n{number}") for number in range(400)]
    google.page = 200
    with google.failing(refusals.denied(), "directory.members.list"):
        found = read()

    assert reports(found)["google_group"].outcome is Outcome.DENIED
    assert len(google.asked("directory.members.list")) < members.GIVE_UP + 2 * members.AT_ONCE * 8


def test_a_group_deleted_meanwhile_is_gone_and_one_that_only_seems_so_is_not(google, customer, read):
    customer.groups.append(group("late"))  # listed, and without members: a 404
    seeming = reports(read())["google_group"]
    assert (seeming.outcome, seeming.resources) == (Outcome.COMPLETE, 8)

    google.items["directory.groups.get"] = lambda call: None
    gone = reports(read())["google_group"]
    assert (gone.outcome, gone.resources) == (Outcome.COMPLETE, 7)


@pytest.mark.parametrize("stranger", [{}, {"type": "USER", "role": "MEMBER"}])
def test_a_member_that_nothing_names_leaves_the_members_of_its_group_unread(google, customer, read, stranger):
    usual = google.items["directory.members.list"]
    google.items["directory.members.list"] = lambda call: [*usual(call), stranger] if call.path["groupKey"] == "g-sales" else usual(call)
    found = read()

    assert "1 of 7 groups have members that could not be read, sales@example.com" in reports(found)["google_group"].message
    assert all(one.links_partial for one in by_id(found).values() if one.sub_type == "google_user")


@pytest.mark.parametrize("page", [b'{"users": {}}', b'{"users": ""}', b'{"nextPageToken": "x", "users": 0}'])
def test_what_is_no_list_is_not_an_empty_one(google, customer, read, page):
    with google.failing(refusals.Refusal(200, page=page), "directory.users.list"):
        report = reports(read())["google_user"]

    assert report.outcome is Outcome.ERROR
    assert "users, and not a list" in report.message


@pytest.mark.parametrize("method", ["directory.members.list", "directory.users.list"])
def test_a_list_whose_page_token_goes_stale_is_read_again(google, customer, read, method):
    with google.failing(refusals.STALE_PAGE, lambda call: call.id == method and "pageToken" in call.query, times=RESTARTS):
        found = read()

    assert {report.outcome for report in found.reports.values()} == {Outcome.COMPLETE}
    assert len(links(by_id(found)["u7"])) == 1
    assert reports(found)["google_user"].resources == PEOPLE + 4
    with google.failing(refusals.STALE_PAGE, lambda call: call.id == "directory.users.list" and "pageToken" in call.query):
        report = reports(read())["google_user"]
    assert (report.outcome, report.resources) == (Outcome.ERROR, 3)


def test_pages_that_lead_in_a_circle_end(google, customer, read):
    google.extra["directory.roles.list"] = {}
    google.items["directory.roles.list"] = lambda call: {"items": customer.roles, "nextPageToken": "round"}

    assert reports(read())["google_admin_role"].outcome is Outcome.ERROR
    assert len(google.asked("directory.roles.list")) == 2


def test_a_token_that_ends_in_the_middle_is_renewed(google, customer, read):
    def forgetful(call):
        if "pageToken" not in call.query:
            google.tokens.forget()
        return customer.users if call.query.get("showDeleted") != "true" else customer.deleted

    google.items["directory.users.list"] = forgetful

    assert {report.outcome for report in read().reports.values()} == {Outcome.COMPLETE}


@pytest.mark.parametrize(("method", "sub_type"), [("directory.users.list", "google_user"), ("directory.groups.list", "google_group")])
def test_nobody_is_gone_because_a_gateway_answers_in_googles_place(google, customer, read, method, sub_type):
    with google.failing(refusals.FOREIGN, method):
        found = reports(read())
    assert found[sub_type].outcome is Outcome.ERROR
    assert "is not Google's: it has message; is a proxy in between?" in found[sub_type].message
