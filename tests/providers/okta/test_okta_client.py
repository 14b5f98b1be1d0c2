"""Answers of Okta, and of what stands between us, that say less than they seem to."""

from __future__ import annotations

import contextlib

import pytest
from peers.okta import NOT_FOUND, TOKEN
from recorder import Recorder

from providers import registry
from providers.errors import BadAnswer, Outcome
from providers.http import retry
from providers.http.response import HttpResponse
from providers.okta.catalogue import MEMBERS
from providers.okta.client import Client, _explained
from providers.runner import run
from providers.schema import parse
from providers.variables import NoSettings

FOREIGN = (404, {}, b"<html><title>404 Not Found</title></html>")


@pytest.fixture
def read(okta, monkeypatch):
    """Reads the organization."""
    monkeypatch.setattr(retry, "wait", lambda seconds: None)

    def reading() -> Recorder:
        provider, sink = registry.get("okta"), Recorder()
        with contextlib.closing(provider.open(parse(provider.config, {"domain": okta.url, "api_token": TOKEN}), NoSettings())) as source:
            run(source, sink)
        return sink

    return reading


@pytest.fixture
def company(okta):
    """Two people in a team that is assigned to two applications; one of them has a role."""
    people = [okta.user("ada@example.com"), okta.user("bob@example.com")]
    okta.group("Everyone", *okta.users, kind="BUILT_IN")
    okta.team = okta.group("Team", *people)
    okta.apps_of_team = [okta.app(name, (okta.team,)) for name in ("Mail", "Wiki")]
    okta.role(people[0], "HELP_DESK_ADMIN", "USER")
    okta.people = people
    return okta


@pytest.mark.parametrize("reply", [NOT_FOUND, FOREIGN], ids=["in Okta's words", "by a proxy"])
def test_case_dir_11_an_application_that_is_listed_is_not_gone_when_what_is_under_it_is_not_found(company, read, reply):
    """An application whose settings are broken is listed by Okta, which answers E0000007 below it."""
    company.fault = lambda path, _query: reply if path == f"/api/v1/apps/{company.apps_of_team[1]}/users" else None
    sink = read()
    report = sink.report("okta_application")
    assert (report.outcome, report.resources) == (Outcome.ERROR, 2)
    assert report.message.startswith("Wiki: ")
    assert (sink.one("Mail").links_partial, sink.one("Wiki").links_partial) == (False, True)


@pytest.mark.parametrize("reply", [NOT_FOUND, FOREIGN], ids=["in Okta's words", "by a proxy"])
def test_case_dir_11_members_of_a_group_that_is_there_are_not_gone(company, read, reply):
    company.fault = lambda path, _query: reply if path == f"/api/v1/groups/{company.team}/users" else None
    sink = read()
    assert sink.report("okta_user").outcome is Outcome.ERROR
    assert all(user.links_partial for scope, user in sink.all() if scope.resource_type == "okta_user")
    assert sink.report("okta_group").outcome is Outcome.COMPLETE


@pytest.mark.parametrize("reply", [NOT_FOUND, FOREIGN], ids=["in Okta's words", "by a proxy"])
def test_case_dir_11_roles_of_a_person_who_is_there_are_not_gone(company, read, reply):
    company.fault = lambda path, _query: reply if path == f"/api/v1/users/{company.people[0]}/roles" else None
    assert read().report("okta_role_assignment").outcome is Outcome.ERROR


@pytest.mark.parametrize("where", ["/api/v1/zones", "/api/v1/users", "/api/v1/groups", "/api/v1/apps"])
def test_case_dir_10_a_404_that_is_not_oktas_is_an_error(company, read, where):
    company.fault = lambda path, _query: FOREIGN if path == where else None
    report = next(report for scope, report in read().reports.items() if report.outcome is not Outcome.COMPLETE)
    assert report.outcome is Outcome.ERROR
    assert "something that is not Okta" in report.message


def full_pages(company, links: bool):
    """Answers groups in pages of the size that was asked for; `links` off drops the header, as some proxies do."""
    company.page = 1_000
    for number in range(198):
        company.group(f"G{number}")
    real = company._paged

    def paged(path, query, items):
        status, headers, found = real(path, query, items)
        return status, headers if links else {}, found

    company._paged = paged


def test_case_dir_12_a_full_page_without_links_ends_no_list(company, read):
    full_pages(company, links=False)
    company.group("on the second page")
    report = read().report("okta_group")
    assert report.outcome is Outcome.ERROR
    assert "Link header" in report.message


def test_case_dir_12_a_list_of_exactly_one_page_is_whole(company, read):
    """Okta leaves the header out of a list of one page: asked for one item less, it names the next page."""
    full_pages(company, links=True)
    report = read().report("okta_group")
    assert (report.outcome, report.resources) == (Outcome.COMPLETE, 200)


@pytest.mark.parametrize("item", [{}, {"id": ""}, {"id": 7}, "x", None])
def test_a_member_without_an_id_is_no_member_that_may_be_left_out(monkeypatch, item):
    client = Client.__new__(Client)
    monkeypatch.setattr(client, "listed", lambda _listing, _name: iter([{"id": "1"}, item]), raising=False)
    with pytest.raises(BadAnswer, match="an item that has no id"):
        list(client.each(MEMBERS, "g"))


def test_a_404_without_a_code_of_oktas_is_somebody_elses():
    answer = HttpResponse(404, {}, b'{"message": "no Route matched"}', "https://example.okta.com/api/v1/groups")
    assert isinstance(_explained(answer, "list groups"), BadAnswer)
