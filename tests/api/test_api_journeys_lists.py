"""Journeys over lists: jobs, runs, scopes and the audit log are filtered, sorted and exported; the links at the head of a page."""

from __future__ import annotations

import csv
import json
import pathlib
import re

import pytest
from peers.browser import DESK, PHONE
from peers.journey import Journey
from playwright.sync_api import expect
from store_runs import add_job, resources, run_once

SECONDARY = ("Connectors", "Organizations", "Workers", "Webhooks", "Keys", "Audit", "API")


@pytest.fixture
def jobs(database, sql) -> None:
    """Three jobs of two providers; one is disabled, and one has run."""
    run_once(database, add_job(sql, name="beta", provider="aws", description="Payments"), resources(3))
    add_job(sql, name="alpha", provider="gcp", next_run_at=None)
    add_job(sql, name="gamma", provider="aws", enabled=False, next_run_at=None, organization_id=None)


def names(one: Journey) -> list[str]:
    return one.page.locator("tbody tr td:first-child a").all_text_contents()


def sort(one: Journey, head: str, choice: str) -> None:
    """Sorts the list: by the head of a column, or on a phone, where there is none, by the list in the form."""
    if one.keyboard:
        one.choose(one.page.get_by_label("Sort by"), choice)
        one.press(one.page.get_by_role("button", name="Filter"))
    else:
        one.press(one.page.get_by_role("columnheader", name=head).get_by_role("link"))


def export(one: Journey, form: str) -> list[str]:
    with one.page.expect_download() as begun:
        one.press(one.page.get_by_role("link", name=form))
    return pathlib.Path(begun.value.path()).read_text().splitlines()


def exported(one: Journey, field: str) -> list[str]:
    """This field of the rows that are exported: as CSV and as JSON Lines, which have the same rows in the same order."""
    rows = [row[field] for row in csv.DictReader(export(one, "CSV"))]
    assert rows == [json.loads(line)[field] for line in export(one, "JSON Lines")]
    return rows


def test_jobs_are_filtered_sorted_and_exported(journey, jobs):
    one = journey("/")
    page = one.page
    assert names(one)[:3] == ["gamma", "alpha", "beta"]
    sort(one, "Job", "Name")
    expect(page.locator("tbody tr").first).to_contain_text("alpha")
    assert names(one)[:3] == ["alpha", "beta", "gamma"]
    one.step("jobs-1-sorted")
    one.choose(page.get_by_label("Provider"), "aws")
    one.choose(page.get_by_label("Enabled"), "enabled")
    one.press(page.get_by_role("button", name="Filter"))
    expect(page.get_by_text("1 job.")).to_be_visible()
    assert names(one)[0] == "beta"
    one.step("jobs-2-filtered")
    assert exported(one, "name") == ["beta"]
    one.press(page.get_by_role("link", name="Select several"))
    expect(page.get_by_role("checkbox")).to_have_count(1)
    page.go_back()
    one.press(page.get_by_role("link", name="All jobs"))
    one.fill(page.get_by_label("Name or description"), "payments")
    one.choose(page.get_by_label("Organization"), "one")
    one.press(page.get_by_role("button", name="Filter"))
    expect(page.get_by_text("1 job.")).to_be_visible()
    one.choose(page.get_by_label("Status"), "parked")
    one.press(page.get_by_role("button", name="Filter"))
    expect(page.get_by_text("No job fits these filters.")).to_be_visible()
    one.step("jobs-3-none")


def test_runs_are_filtered_sorted_and_exported(journey, jobs, database, sql):
    run_once(database, 1, resources(2))
    one = journey("/")
    page = one.page
    one.press(page.get_by_role("link", name="all runs"))
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(2)
    newest = rows.first.locator("a").first.get_attribute("href")
    sort(one, "Run", "Oldest first")
    expect(rows.last.locator("a").first).to_have_attribute("href", newest)
    one.step("runs-1-sorted")
    one.fill(page.get_by_label("Job"), "2")
    one.press(page.get_by_role("button", name="Filter"))
    expect(page.get_by_text("No run fits these filters.")).to_be_visible()
    one.fill(page.get_by_label("Job"), "1")
    one.fill(page.get_by_label("Begun since"), "1h")
    one.press(page.get_by_role("button", name="Filter"))
    expect(rows).to_have_count(2)
    assert exported(one, "job") == ["beta", "beta"]


def test_scopes_and_the_audit_log_are_sorted_and_exported(journey, jobs, elder):
    for job in (2, 1):
        elder.patch(f"discovery/jobs/{job}", {"description": "changed"})
    one = journey("/scopes?state=current")
    sort(one, "Scope", "Type")
    expect(one.page).to_have_url(re.compile(r"[?&]sort=resource_type$"))
    one.step("scopes-sorted")
    assert exported(one, "resource_type") == ["ec2_instance"]
    one.go("Audit")
    sort(one, "When", "Oldest first")
    expect(one.page.locator("tbody tr").first).to_contain_text("job 2")
    one.step("audit-sorted")
    assert exported(one, "action") == ["job changed"] * 2
    one.go("Changes")
    assert {*exported(one, "operation")} == {"created"}


def test_without_scripts_filters_and_orders_work(visit, jobs):
    page = visit("/", java_script_enabled=False)
    page.get_by_role("columnheader", name="Job").get_by_role("link").click()
    page.get_by_label("Provider").select_option("aws")
    page.get_by_role("button", name="Filter").click()
    assert page.locator("tbody tr td:first-child a").all_text_contents()[:2] == ["beta", "gamma"], "the order is kept"
    head = page.get_by_role("columnheader", name="Job")
    expect(head).to_have_attribute("aria-sort", "ascending")
    head.get_by_role("link").click()
    assert page.locator("tbody tr td:first-child a").all_text_contents()[:2] == ["gamma", "beta"]


@pytest.mark.parametrize("width", [360, 390])
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_the_links_to_all_pages_take_one_line_on_a_phone(visit, width, scripts):
    page = visit("/", viewport={**PHONE, "width": width}, java_script_enabled=scripts)
    assert page.locator("header").bounding_box()["height"] < 2 * page.locator("header a.name").bounding_box()["height"]
    pages = page.get_by_role("navigation", name="Pages")
    for name in SECONDARY:
        expect(pages.get_by_role("link", name=name)).to_have_count(0)
        pages.get_by_text("More", exact=True).click()
        pages.get_by_role("link", name=name).click()
        expect(pages.locator("summary.here")).to_be_visible()
    page.goto("/entities")
    expect(pages.locator("summary.here")).to_have_count(0)


def test_on_a_desk_no_link_is_folded_away(visit):
    pages = visit("/", viewport=DESK).get_by_role("navigation", name="Pages")
    for name in ("Jobs", "Entities", "Changes", "Scopes", *SECONDARY):
        expect(pages.get_by_role("link", name=name, exact=True)).to_be_visible()
    expect(pages.get_by_text("More", exact=True)).not_to_be_visible()
