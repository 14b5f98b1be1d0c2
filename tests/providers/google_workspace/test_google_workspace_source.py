"""What is read of a Google Workspace customer, and what of it stays when something of it cannot be read."""

from __future__ import annotations

import pytest
from directory_reports import by_id, links, reports
from peers import google_refusals as refusals
from peers.google_customer import CUSTOMER, EMEA, OPS, PEOPLE, SALES, group, member, person

from providers.errors import Outcome
from providers.records import Link


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


@pytest.mark.parametrize("path", ["/Sales", "", None])
def test_a_unit_without_a_path_of_its_own_hides_no_other(customer, read, path):
    """Units are found by their paths, and one that took another's place there would be gone, with all that is in it."""
    customer.units.append({"orgUnitId": "id:twin", "name": "Sales", "parentOrgUnitId": "id:root", "orgUnitPath": path})
    if path is None:
        customer.units.append({**customer.units[-1], "orgUnitId": "id:other"})
        for unit in customer.units[-2:]:
            del unit["orgUnitPath"]
    found = read()

    assert reports(found)["google_ou"].outcome is Outcome.ERROR
    assert "or no path of their own, one with the name Sales" in reports(found)["google_ou"].message
    assert reports(found)["google_ou"].resources == 3


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


def test_a_member_of_many_groups_is_linked_to_each(google, customer, read):
    customer.groups = [group(f"n{number}") for number in range(130)]
    customer.members = {one["id"]: [member("u1")] for one in customer.groups}
    google.page = 50

    assert len(links(by_id(read())["u1"])) == 130
