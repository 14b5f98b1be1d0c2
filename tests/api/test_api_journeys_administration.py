"""Organizations, abandoned scopes and the audit log, as people with keys of their own use them: by mouse, and by keyboard on a phone."""

from __future__ import annotations

import pytest
from peers.elder import FIRST, KeyedApi, settings
from peers.journey import Journey
from playwright.sync_api import expect
from store_runs import add_job, resources, run_once

from api.app import create_app

pytestmark = pytest.mark.peer("chromium")
ADMIN = {"http_credentials": {"username": "ada", "password": FIRST}}


@pytest.fixture
def elder_app(database):
    """The application of an API that asks for a key."""
    app = create_app(settings(database, ELDER_API_KEY=FIRST))
    yield app
    app.extensions["elder"].pool.close()


@pytest.fixture
def night_shift(elder_app) -> dict:
    """The options of a browser whose person has a key of the role `operate`."""
    key = KeyedApi(elder_app).make("night shift", "operate")["key"]
    return {"http_credentials": {"username": "bo", "password": key}}


def open_up(one: Journey, name: str, button: str) -> None:
    """Unfolds a part of the page and presses the button in it."""
    one.press(one.page.get_by_text(name, exact=True))
    one.press(one.page.get_by_role("button", name=button))


def test_organizations_are_made_renamed_moved_merged_and_deleted(journey, night_shift, database, sql):
    run_once(database, add_job(sql), resources(3))
    sql.execute("select setval('organizations_id_seq', 10)")
    one = journey("/organizations", **night_shift)
    page = one.page

    def make(name: str) -> None:
        one.go("Organizations")
        one.fill(page.get_by_label("Name"), name)
        one.press(page.get_by_role("button", name="Make the organization"))

    def heading(name: str) -> None:
        expect(page.get_by_role("heading", name=name, exact=True, level=1)).to_be_visible()

    one.step("organizations-1-tree")
    make("Cloud")
    heading("Cloud")
    make("Cloud")
    expect(page.get_by_role("alert")).to_contain_text("has the name 'Cloud' already")
    expect(page.get_by_label("Name")).to_have_value("Cloud")
    one.step("organizations-2-refused")
    one.fill(page.get_by_label("Name"), "Team")
    one.press(page.get_by_role("button", name="Make the organization"))
    heading("Team")
    one.step("organizations-3-made")

    one.fill(page.get_by_label("Name"), "Cloud")
    one.fill(page.get_by_label("Description"), "pays for what runs at night")
    one.press(page.get_by_role("button", name="Save"))
    expect(page.get_by_role("alert")).to_contain_text("has the name 'Cloud' already")
    expect(page.get_by_label("Description")).to_have_value("pays for what runs at night")
    one.fill(page.get_by_label("Name"), "Payments")
    one.choose(page.get_by_label("Below"), "Cloud (11)")
    one.press(page.get_by_role("button", name="Save"))
    heading("Payments")
    expect(page.get_by_label("Below").locator("option:checked")).to_have_text("Cloud (11)")
    one.step("organizations-4-moved")

    page.goto("/organizations/1")
    open_up(one, "Delete this organization", "Delete one")
    expect(page.get_by_role("alert")).to_contain_text("Not deleted: organization 1 is not empty, it has")
    one.step("organizations-5-not-empty")
    open_up(one, "Merge into another organization", "Merge one")
    expect(page.get_by_role("alert")).to_contain_text("Not merged: choose the organization")
    one.choose(page.get_by_label("Into"), "Payments (12)")
    one.press(page.get_by_role("button", name="Merge one"))
    heading("Payments")
    one.go("Organizations")
    expect(page.locator(".tree > li")).to_have_count(1)
    expect(page.locator(".tree > li")).to_contain_text("Cloud 3 entities 0 its own")
    expect(page.locator(".tree li li")).to_contain_text("Payments 3 entities")
    one.step("organizations-6-merged")

    make("Empty")
    open_up(one, "Delete this organization", "Delete Empty")
    heading("Organizations")
    assert sql.execute("select name from organizations order by name").fetchall() == [("Cloud",), ("Payments",)]


def test_an_abandoned_account_is_retired(journey, night_shift, database, sql):
    run_once(database, add_job(sql), resources(3))
    sql.execute("update elder_worker.scopes set state = 'abandoned', state_since = now()")
    one = journey("/", **night_shift)
    page = one.page
    one.step("retire-1-home")
    one.press(page.get_by_role("link", name="1 abandoned scope"))
    expect(page.get_by_text("To retire what is abandoned, filter by its provider, account")).to_be_visible()
    expect(page.get_by_role("button", name="Retire")).to_have_count(0)
    one.fill(page.get_by_label("Account"), "999")
    one.press(page.get_by_role("button", name="Filter"))
    expect(page.get_by_text("No scope fits these filters.")).to_be_visible()
    one.fill(page.get_by_label("Account"), "111")
    one.press(page.get_by_role("button", name="Filter"))
    expect(page.get_by_text("no plan contains it any more")).to_be_visible()
    one.step("retire-2-abandoned")
    one.press(page.get_by_role("button", name="Retire it"))
    expect(page.get_by_role("heading", name="Retire 1 abandoned scope?")).to_be_visible()
    expect(page.get_by_text("3 entities are marked as deleted")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="3 ec2 instance")).to_be_visible()
    one.step("retire-3-asked")
    one.press(page.get_by_role("link", name="Keep it"))
    expect(page.get_by_label("Account")).to_have_value("111")
    one.press(page.get_by_role("button", name="Retire it"))
    expect(page.get_by_role("link", name="Keep it")).to_be_visible()
    assert sql.execute("select count(*) from entities where is_active").fetchone() == (3,), "nothing is lost before the second yes"
    one.press(page.get_by_role("button", name="Retire it"))
    expect(page.get_by_text("1 scope", exact=True)).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="us-east-1")).to_contain_text("retired")
    one.step("retire-4-retired")
    assert sql.execute("select count(*) from entities where is_active").fetchone() == (0,)


def test_an_admin_finds_what_a_person_did(journey, visit, night_shift, sql):
    job = add_job(sql, name="AWS production", next_run_at=None, schedule_interval=3600)
    hers = visit(f"/jobs/{job}", **night_shift)
    hers.get_by_role("button", name="Run now").click()
    expect(hers.get_by_role("button", name="Cancel")).to_be_visible()
    hers.get_by_role("link", name="Edit").click()
    hers.get_by_label("Runs every").fill("2")
    hers.get_by_role("button", name="Save").click()
    expect(hers.get_by_text("every 2 h")).to_be_visible()
    expect(hers.get_by_role("link", name="Audit")).to_have_count(0)
    hers.goto("/audit")
    expect(hers.get_by_text("This needs a key with the role 'admin', and key:night shift has 'operate'.")).to_be_visible()

    one = journey("/", **ADMIN)
    page, rows = one.page, one.page.locator("tbody tr")
    one.go("Audit")
    expect(rows).to_have_count(3)
    one.step("audit-1-all")
    one.choose(page.get_by_label("Who"), "key:night shift")
    one.press(page.get_by_role("button", name="Filter"))
    expect(rows).to_have_count(2)
    one.choose(page.get_by_label("What"), "job changed")
    one.fill(page.get_by_label("Since"), "1h")
    one.press(page.get_by_role("button", name="Filter"))
    expect(rows).to_have_count(1)
    for told in ("job changed", f"job {job}", "key:night shift", "operate", "127.0.0.1", "schedule_interval", "3600", "7200"):
        expect(rows).to_contain_text(told)
    expect(rows.locator(".changed li"), "and nothing else").to_have_count(1)
    one.step("audit-2-found")
    one.press(rows.get_by_role("link", name=f"job {job}"))
    expect(rows).to_have_count(2)
    one.step("audit-3-of-the-job")
