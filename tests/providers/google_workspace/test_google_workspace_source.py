"""What is read of a Google Workspace customer, and what of it stays when something of it cannot be read."""

from __future__ import annotations

import re

import pytest
from peers import google_refusals as refusals
from peers.google_customer import CUSTOMER, EMEA, OPS, PEOPLE, SALES, group, member, person

from providers import registry
from providers.errors import ConfigError, CredentialsError, Denied, Outcome, TimedOut
from providers.google_workspace import members
from providers.pages import RESTARTS
from providers.records import Link

USERS_SCOPE = "https://www.googleapis.com/auth/admin.directory.user.readonly"
ROLES_SCOPE = "https://www.googleapis.com/auth/admin.directory.rolemanagement.readonly"


def by_id(found):
    return {resource.external_id: resource for _, resource in found.all()}


def reports(found):
    return {scope.resource_type: report for scope, report in found.reports.items()}


def links(resource, kind="member_of"):
    return [link.target for link in resource.links if link.type == kind]


def test_everything_is_read_to_the_last_page(google, customer, read):
    found = read()
    counts = {scope.resource_type: len(resources) for scope, resources in found.found.items()}

    assert counts == {
        "google_ou": 3,
        "google_user": PEOPLE + 4,
        "google_group": 7,
        "google_admin_role": 5,
        "google_role_assignment": 4,
        "google_domain": 2,
    }
    assert {scope.account for scope in found.found} == {CUSTOMER}
    pages = {method: len(google.asked(f"directory.{method}.list")) for method in ("users", "groups", "roles", "roleAssignments")}
    assert pages == {"users": 4 + 2, "groups": 3, "roles": 2, "roleAssignments": 2}
    assert len(google.asked("directory.members.list")) == 6 + 4, "one call a group, and more only for more pages"
    assert {call.query["maxResults"] for call in google.asked("directory.users.list")} == {"500"}


def test_units_are_a_tree_below_google_workspace(customer, read):
    found = read()

    tree = {one.external_id: (one.name, one.parent) for one in found.tree.values()}
    assert tree == {
        CUSTOMER: ("Google Workspace", ""),
        SALES: ("Sales", CUSTOMER),
        EMEA: ("EMEA", SALES),
        OPS: ("Ops & more", CUSTOMER),
    }
    things = by_id(found)
    assert (things[EMEA].organization, things[EMEA].parent) == (SALES, SALES)
    assert (things[SALES].organization, things[SALES].parent) == (CUSTOMER, "")
    assert (things["u1"].organization, things["u1"].parent) == (EMEA, EMEA)
    assert (things["u0"].organization, things["g-sales"].organization) == (CUSTOMER, CUSTOMER)


def test_who_was_deleted_with_their_unit_is_put_above(customer, read):
    customer.deleted[0]["orgUnitPath"] = "/Sales/EMEA/Gone"

    assert by_id(read())["u100"].organization == EMEA


def test_who_is_in_a_unit_that_is_not_listed_is_not_moved(customer, read):
    customer.users[5]["orgUnitPath"] = "/Sales/EMEA/New"
    found = read()

    report = reports(found)["google_user"]
    assert (report.outcome, report.resources) == (Outcome.ERROR, PEOPLE + 4 - 1)
    assert "1 of 11 people, in units that Google Workspace does not list (/Sales/EMEA/New is one)" in report.message
    assert "u5" not in by_id(found)


def test_an_empty_list_of_units_moves_nobody(google, customer, read):
    with google.failing(refusals.EMPTY, "directory.orgunits.list"):
        found = read()

    assert reports(found)["google_ou"].outcome is Outcome.COMPLETE
    assert reports(found)["google_user"].outcome is Outcome.ERROR
    assert not {"u1", "u2"} & set(by_id(found))
    assert "u0" in by_id(found)


def test_a_person_has_one_status(customer, read):
    things = by_id(read())

    states = {number: things[number].attributes["status"] for number in ("u1", "u2", "u3", "u100")}
    assert states == {"u1": "active", "u2": "suspended", "u3": "archived", "u100": "deleted"}
    assert things["u2"].attributes["suspensionReason"] == "ADMIN"
    assert things["u1"].attributes["aliases"] == ["a@example.com", "b@example.com"]


def test_who_is_deleted_between_the_two_lists_comes_once(customer, read):
    customer.deleted.append(person(1, deletionTime="2026-01-01T00:00:00.000Z"))
    users = [one for scope, one in read().all() if one.external_id == "u1"]

    assert [one.attributes["status"] for one in users] == ["active"]


def test_memberships_and_nested_groups_even_in_a_circle(customer, read):
    things = by_id(read())

    assert links(things["u1"]) == ["g-big", "g-emea"]
    assert links(things["g-emea"]) == ["g-sales"]
    assert (links(things["g-ring"]), links(things["g-gnir"])) == (["g-gnir"], ["g-ring"])
    assert things["g-all"].attributes["includesEverybody"] is True
    sales = things["g-sales"].attributes
    assert (sales["externalMemberCount"], sales["externalMembers"], sales["owners"]) == (1, ["guest@elsewhere.example"], ["u2@example.com"])
    assert not any(one.links_partial for one in things.values())


def test_a_member_without_an_id_is_one_by_its_address(customer, read):
    stranger = member("x", "EXTERNAL", email="nobody@elsewhere.example")
    stranger.pop("id")
    customer.members["g-sales"].append(stranger)

    assert "nobody@elsewhere.example" in by_id(read())["g-sales"].attributes["externalMembers"]


def test_roles_are_granted_within_their_unit(customer, read):
    things = by_id(read())

    assert set(things["roleassignments/1"].links) == {Link("has_role", "roles/1"), Link("granted_to", "g-sales"), Link("limited_to", SALES)}
    assert set(things["roleassignments/2"].links) == {Link("has_role", "roles/1"), Link("granted_to", "u2")}


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


def test_an_expired_sign_in_is_no_single_groups_trouble(google, customer, read):
    with google.failing(refusals.EXPIRED, "directory.members.list"):
        found = read()

    assert reports(found)["google_group"].outcome is Outcome.ERROR
    assert "credentials" in reports(found)["google_group"].message
    assert "g-sales" not in by_id(found)
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
    assert f"they have no {field}" in report.message
    assert "items of 'list " in report.message


def test_a_page_that_is_too_large_is_asked_for_at_half_the_size(google, customer, read):
    google.too_large["directory.users.list"] = 130
    found = read()

    assert reports(found)["google_user"].resources == PEOPLE + 4
    assert {report.outcome for report in found.reports.values()} == {Outcome.COMPLETE}
    assert {call.query["maxResults"] for call in google.asked("directory.users.list")} == {"500", "250", "125"}


def _scopes() -> set[str]:
    return {permission for kind in registry.get("google_workspace").resource_types() for permission in kind.permissions}


def test_the_scopes_of_the_policy_are_enough(google, customer, read):
    google.tokens.delegated = _scopes()

    assert {report.outcome for report in read().reports.values()} == {Outcome.COMPLETE}


@pytest.mark.parametrize("scope", sorted(_scopes()), ids=lambda scope: scope.split(".")[-2])
def test_a_scope_less_is_a_denied_scope_that_names_it(google, customer, read, scope):
    google.tokens.delegated = _scopes() - {scope}
    if scope == USERS_SCOPE:  # without it nobody can say who acts
        with pytest.raises(Denied, match=re.escape(USERS_SCOPE)):
            read()
        return
    denied = [report for report in read().reports.values() if report.outcome is Outcome.DENIED]

    assert denied
    assert {report.permission for report in denied} == {scope}
    assert all(scope in report.message for report in denied)


def test_an_unchanged_second_run_is_the_same_although_every_volatile_field_has_moved(google, customer, read):
    first = read()
    for number, item in enumerate((*customer.users, *customer.groups, *customer.roles, *customer.domains, *customer.units)):
        item |= {"etag": f'"moved-{number}"'}
    for number, user in enumerate(customer.users):
        user |= {
            "lastLoginTime": f"2026-02-01T00:00:{number:02}.000Z",
            "thumbnailPhotoEtag": f'"{number}"',
            "aliases": user.get("aliases", [])[::-1],
        }
        if not user["aliases"]:
            del user["aliases"]
    for number, one in enumerate(customer.groups):
        one |= {"directMembersCount": str(number)}
    second = read()

    assert not [difference for scope in first.found for difference in first.differences(second, scope)]


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


def test_who_acts_is_told_and_what_they_may(google, customer, read):
    who = read().who

    assert (who.name, who.account, who.details) == ("admin@example.com", CUSTOMER, {"rights": "super administrator"})


def test_the_customer_can_be_named(google, customer, read):
    assert {scope.account for scope in read(customer_id=CUSTOMER).found} == {CUSTOMER}


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (refusals.INVALID_GRANT, "the key was deleted"),
        (refusals.ACCOUNT_GONE, "was deleted or disabled"),
        (refusals.Refusal(400, "invalid_grant", "Invalid email or User ID"), "name an active administrator"),
    ],
)
def test_a_refused_sign_in_says_what_to_do(google, customer, read, refusal, words):
    with google.failing(refusal, "token"), pytest.raises(CredentialsError, match=words):
        read()


def test_a_subject_that_is_not_of_the_domain_is_refused(google, customer, read):
    with pytest.raises(CredentialsError, match="name an active administrator"):
        read(admin_email="nobody@example.com")


def test_a_token_endpoint_that_is_down_is_no_wrong_key(google, customer, read):
    with google.failing(refusals.CUT, "token"), pytest.raises(TimedOut, match="token endpoint"):
        read()


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"credentials": None}, "one of `credentials` and `credentials_path`"),
        ({"admin_email": "admin"}, "no e-mail address"),
        ({"credentials": {"type": "authorized_user"}}, "`credentials.type` is 'authorized_user'; taken here: service_account"),
        ({"credentials": None, "credentials_path": "/does/not/exist.json"}, "cannot be read"),
    ],
)
def test_a_wrong_config_is_refused_by_its_key(read, config, words):
    with pytest.raises(ConfigError, match=words):
        read(**config)


def test_a_member_of_many_groups_is_linked_to_each(google, customer, read):
    customer.groups = [group(f"n{number}") for number in range(130)]
    customer.members = {one["id"]: [member("u1")] for one in customer.groups}
    google.page = 50

    assert len(links(by_id(read())["u1"])) == 130


@pytest.mark.parametrize(("method", "sub_type"), [("directory.users.list", "google_user"), ("directory.groups.list", "google_group")])
def test_nobody_is_gone_because_a_gateway_answers_in_googles_place(google, customer, read, method, sub_type):
    with google.failing(refusals.FOREIGN, method):
        found = reports(read())
    assert found[sub_type].outcome is Outcome.ERROR
    assert "is not Google's: it has message; is a proxy in between?" in found[sub_type].message
