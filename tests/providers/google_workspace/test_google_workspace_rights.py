"""Administrators who see a part of the customer: Google leaves out the rest without a word, and the list is not believed."""

from __future__ import annotations

import contextlib

import pytest
from directory_reports import USERS_SCOPE
from peers import google_refusals as refusals
from peers.google_customer import SALES, member
from store_runs import Run, add_job

from providers.errors import NoCredentialsYet, Outcome
from providers.google_workspace.catalogue import ROLE_ASSIGNMENTS

BOUND = {"google_ou", "google_user"}
ROLES = "directory.roleAssignments.list"


@pytest.fixture
def delegated(customer):
    """An administrator who is not a super administrator, with a role for the whole customer; that is their only one."""
    customer.users[0] |= {"isAdmin": False, "isDelegatedAdmin": True}
    customer.assignments[1] |= {"assignedTo": customer.users[0]["id"]}
    return customer


def limited(customer, assigned_to: str) -> None:
    customer.assignments[2] |= {"scopeType": "ORG_UNIT", "orgUnitId": SALES.removeprefix("id:"), "assignedTo": assigned_to}


def told(collected) -> dict[str, tuple[Outcome, str]]:
    """The scopes that say something."""
    return {scope.resource_type: (report.outcome, report.message) for scope, report in collected.reports.items() if report.message}


def own_roles(google) -> list:
    return [call for call in google.asked(ROLES) if "userKey" in call.query]


def test_a_super_administrator_sees_everybody_and_is_not_asked_about(google, customer, read):
    assert told(read()) == {}
    assert own_roles(google) == []


def test_a_role_for_the_whole_customer_is_believed(google, delegated, read):
    assert told(read()) == {}
    assert len(own_roles(google)) == 1, "once for both lists"


@pytest.mark.parametrize("by_group", [False, True], ids=["own", "by a group"])
def test_what_a_role_for_one_unit_shows_is_not_complete(google, delegated, read, by_group):
    who = delegated.users[0]["id"]
    delegated.members["g-empty"] = [member(who)]
    limited(delegated, "g-empty" if by_group else who)
    delegated.users[1:] = [one for one in delegated.users[1:] if one["orgUnitPath"].startswith("/Sales")]  # as Google answers
    collected = read()
    found = told(collected)
    assert found.keys() == BOUND
    assert {outcome for outcome, _ in found.values()} == {Outcome.DENIED}
    assert all("is limited to a unit, and Google shows nothing of the others" in text for _, text in found.values())
    permissions = {report.permission for scope, report in collected.reports.items() if scope.resource_type == "google_user"}
    assert permissions == {USERS_SCOPE}


def test_where_roles_may_not_be_read_a_list_is_not_believed(google, delegated, read):
    with google.failing(refusals.denied(), lambda call: call.id == ROLES and "userKey" in call.query):
        collected = read()
    found = told(collected)
    permissions = {report.permission for report in collected.reports.values() if report.message}
    assert found.keys() == BOUND
    assert {outcome for outcome, _ in found.values()} == {Outcome.DENIED}
    assert all("it cannot be told whether a role of admin@example.com is limited to a unit" in text for _, text in found.values())
    assert permissions == {ROLE_ASSIGNMENTS.scope}


@pytest.mark.parametrize("readable", [True, False], ids=["roles are told", "roles are not told"])
def test_a_role_that_becomes_narrower_deletes_nobody(google, delegated, read, database, sql, readable):
    """The first sync is that of a super administrator, the next that of an administrator of one unit."""
    delegated.users[0] |= {"isAdmin": True}
    job = add_job(sql, provider="google_workspace")

    def stored(collected) -> int:
        run = Run(database, job)
        run.reading(collected)
        run.finish()
        return run.inventory.totals.deleted

    stored(read())
    active = "select external_id from entities where is_active order by 1"
    before = sql.execute(active).fetchall()
    delegated.users[0] |= {"isAdmin": False}
    limited(delegated, delegated.users[0]["id"])
    delegated.users[1:] = [one for one in delegated.users[1:] if one["orgUnitPath"].startswith("/Sales")]
    with contextlib.nullcontext() if readable else google.failing(refusals.denied(), lambda call: "userKey" in call.query):
        assert stored(read()) == 0
    assert sql.execute(active).fetchall() == before


def test_credentials_that_are_gone_meanwhile_are_no_note(google, delegated, read):
    def when(call) -> bool:
        if call.id == ROLES and "userKey" in call.query:
            google.tokens.forget()
        return call.id == "token" and not google.tokens.given and bool(own_roles(google))

    with (
        google.failing(refusals.Refusal(403, page=b"<html>"), when),
        google.failing(refusals.EXPIRED, ROLES),
        pytest.raises(NoCredentialsYet),
    ):
        read()
