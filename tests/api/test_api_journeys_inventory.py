"""Journeys over the inventory, by mouse and by keyboard on a phone: search, facets, a saved address, export, and the difference of a change."""

from __future__ import annotations

import csv
import json
import pathlib
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from peers.browser import DESK
from peers.journey import Journey
from playwright.sync_api import Locator, expect
from store_runs import add_job, resources, run_once

from providers.records import Resource

pytestmark = pytest.mark.peer("chromium")


def rule(port: int) -> dict:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}


def group(number: int, *ports: int) -> Resource:
    attributes = {"Description": "Behind the load balancer", "IpPermissions": [rule(port) for port in ports]}
    return Resource(f"arn:sg:{number}", "network", "security_group", f"web {number}", attributes, {"team": "payments"})


@pytest.fixture
def found(database, sql) -> None:
    """Four instances of two teams and two security groups; a second run has found one more port open in one of them, and a stopped instance."""
    instances = [msgspec.structs.replace(one, tags={"team": ("payments", "search")[n % 2]}) for n, one in enumerate(resources(4))]
    stopped = msgspec.structs.replace(instances[0], attributes={"n": 0, "state": "stopped"})
    job = add_job(sql, name="AWS production")
    run_once(database, job, [*instances, group(1, 22, 443), group(2, 22)])
    run_once(database, job, [stopped, *instances[1:], group(1, 22, 8443, 443), group(2, 22)])


def results(one: Journey) -> Locator:
    return one.page.locator("tbody tr")


def unfold(one: Journey) -> None:
    """Shows what narrows a search down: on a phone it is closed at first, so that what was found stands below the form."""
    expect(one.page.locator(".groups").filter(visible=True)).to_have_count(0 if one.keyboard else 1)
    if one.keyboard:
        one.press(one.page.get_by_text("Narrow down, choose columns").filter(visible=True))


def test_a_search_is_narrowed_down_and_its_address_shows_the_same_to_another_person(journey, visit, found):
    one = journey("/entities")
    page = one.page
    one.fill(page.get_by_label("Search"), "tags:payments")
    one.press(page.get_by_role("button", name="Search"))
    expect(page.get_by_role("alert")).to_be_visible()
    one.step("search-1-refused")
    one.fill(page.get_by_label("Search"), "tag:team=payments")
    one.press(page.get_by_role("button", name="Search"))
    expect(results(one)).to_have_count(4)
    one.step("search-2-found")
    unfold(one)
    one.press(page.locator(".groups").get_by_role("link", name="security group"))
    expect(results(one)).to_have_count(2)
    unfold(one)
    expect(page.locator(".groups [aria-current=true]").filter(has_text="security group").filter(visible=True)).to_be_visible()
    one.step("search-3-narrowed")
    one.tick(page.get_by_label("Tags").filter(visible=True))
    one.press(page.get_by_role("button", name="Show these columns"))
    expect(results(one).first).to_contain_text("team payments")
    one.step("search-4-columns")

    other = visit(urlsplit(page.url)._replace(scheme="", netloc="").geturl(), viewport=DESK)
    expect(other.get_by_label("Search")).to_have_value("tag:team=payments")
    assert other.locator("tbody a").all_text_contents() == results(one).locator("a").all_text_contents()
    one.press(page.get_by_role("link", name="clear filters"))
    expect(results(one)).to_have_count(6)
    assert not parse_qsl(urlsplit(page.url).query)


def test_what_was_found_is_exported_as_csv_and_as_json_lines(journey, found):
    one = journey("/entities?q=tag:team=payments&sort=name&per_page=25")
    page = one.page

    def export(name: str) -> str:
        with page.expect_download() as begun:
            one.press(page.get_by_role("link", name=name))
        assert begun.value.suggested_filename == {"CSV": "entities.csv", "JSON Lines": "entities.jsonl"}[name]
        return pathlib.Path(begun.value.path()).read_text()

    names = ["name 0", "name 2", "web 1", "web 2"]
    rows = [*csv.DictReader(export("CSV").splitlines())]
    assert [row["name"] for row in rows] == names
    lines = [json.loads(line) for line in export("JSON Lines").splitlines()]
    assert [line["name"] for line in lines] == names
    assert [line["tags"] for line in lines] == [{"team": "payments"}] * 4
    assert [json.loads(row["tags"]) for row in rows] == [{"team": "payments"}] * 4
    one.step("export")


def test_a_port_that_was_opened_is_seen_as_that_one_rule(journey, found):
    one = journey("/changes")
    page = one.page
    one.step("diff-1-changes")
    one.choose(page.get_by_label("Type"), "security group")
    one.choose(page.get_by_label("What"), "updated")
    one.fill(page.get_by_label("Field"), "IpPermissions")
    one.press(page.get_by_role("button", name="Filter"))
    change = results(one)
    expect(change).to_have_count(1)
    expect(change).to_contain_text("added attributes.IpPermissions")
    expect(change).to_contain_text("8443")
    assert "443," not in change.inner_text().replace("8443,", ""), "the rules that were there are not told again"
    one.step("diff-2-found")
    one.press(change.get_by_role("link", name="web 1"))
    expect(page.get_by_role("heading", name="web 1")).to_be_visible()
    told = page.locator(".changed")
    expect(told).to_have_count(1)
    expect(told.locator("li")).to_have_count(1)
    expect(told.locator("ins")).to_contain_text("8443")
    one.step("diff-3-entity")
    one.press(page.get_by_role("row").filter(has_text="updated").get_by_role("link"))
    expect(page.get_by_role("heading", name="Run 2 completed")).to_be_visible()
