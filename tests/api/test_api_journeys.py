"""What a person does on the pages, in a real browser: with the mouse, by keyboard alone, on a phone, in both themes; axe-core finds nothing."""

from __future__ import annotations

import msgspec
import pytest
from peers.browser import DESK, PHONE, inspect
from playwright.sync_api import expect
from store_runs import Run, add_job, resources, run_once

from api.graph import AT_MOST
from api.pages import job_form
from providers.errors import Outcome
from providers.records import Link, Resource, Scope
from worker.run.outcome import Status, Verdict
from worker.store import keys
from worker.store.connection import connect

pytestmark = pytest.mark.peer("chromium")
SECRET = "s3cret-canary"


def linked(count: int) -> list[Resource]:
    """Resources of which each depends on the one before it, and all on something that is not in the inventory."""
    before = [(Link("in_vpc", "vpc-1"), *([Link("attached_to", f"arn:ec2_instance:{n - 1}")] if n else [])) for n in range(count)]
    return [msgspec.structs.replace(one, links=links) for one, links in zip(resources(count), before, strict=True)]


@pytest.fixture
def inventory(database, sql):
    """A job with a run that was read in part, one that is parked, and scopes of each state."""
    job = add_job(sql, name="AWS production")
    rules = [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]} for port in (22, 443, 8443)]
    for opened in (2, 3):
        changed = {"IpPermissions": rules[:opened], "State": {"Name": "running", "Code": 16}, "Description": "long " * 60 * opened}
        run_once(database, job, [msgspec.structs.replace(one, attributes=changed) for one in linked(5)])
    run = Run(database, job)
    for number in range(12):
        scope = Scope("aws", "111", "eu-south-1", f"type_{number}")
        run.scope([], scope, Outcome.DENIED, message="eu-south-1 is closed by a policy", permission="ec2:DescribeVpcs")
    run.finish(Verdict(Status.PARTIAL, "", "12 scopes were denied"))
    parked = add_job(sql, name="crasher")
    sql.execute("update discovery_jobs set status = 'parked', crashes = 3, enabled = true where id = %s", [parked])
    sql.execute("insert into elder_worker.workers (owner, name, providers, queues) values (gen_random_uuid(), 'w1', '{aws}', '{default}')")
    with connect(database) as connection:
        keys.add(connection, "ci", "operate", by="somebody", seconds=86_400)
    return job, run.claimed.run_id


PATHS = (
    "/",
    "/jobs/new",
    "/jobs/new?provider=aws",
    "/jobs/{job}",
    "/jobs/{job}/edit",
    "/jobs/new?copy={job}",
    "/runs",
    "/runs?job_id={job}&status=partial&sort=id",
    "/?q=scan&enabled=true&sort=-name",
    "/runs/{run}",
    "/connectors",
    "/entities",
    "/entities?q=type:ec2_instance&sort=-name&per_page=25",
    "/entities?q=tags:odd",
    "/entities/1",
    "/entities/2/graph",
    "/organizations",
    "/organizations/1",
    "/changes",
    "/scopes",
    "/workers",
    "/providers",
    "/keys",
    "/keys/1",
    "/audit?sort=actor",
    "/scopes?sort=-last_complete_at",
    "/entities?q=type:ec2_instance",
    "/api/docs",
    "/nothing",
)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_axe_finds_nothing_on_any_page_and_nothing_overflows(visit, inventory, theme, viewport):
    job, run = inventory
    page = visit("/", color_scheme=theme, viewport=viewport)
    for path in PATHS:
        page.goto(path.format(job=job, run=run))
        inspect(page)


@pytest.fixture
def star(database, sql) -> dict[int, int]:
    """Number of links -> id of an entity with so many, half of them to it; names are long."""
    job, found = add_job(sql), []
    name = "Wide-Managed-Workload-Name-That-Does-Not-End-In-A-Box-Of-28-Letters "
    for links in (1, 8, 30):
        to = tuple(Link("member_of_the_security_group", f"{links}-to-{n}") for n in range((links + 1) // 2))
        found.append(Resource(f"centre-{links}", "compute", "ec2_instance", name + str(links), {}, {}, to))
        found += [Resource(one.target, "network", "vpc", name + one.target, {}) for one in to[::2]]
        back = (Link("attached_to", f"centre-{links}"),)
        found += [Resource(f"{links}-from-{n}", "network", "vpc", name + str(n), {}, {}, back) for n in range(links // 2)]
    run_once(database, job, found)
    ids = dict(sql.execute("select external_id, id from entities").fetchall())
    return {links: ids[f"centre-{links}"] for links in (1, 8, 30)}


OUTSIDE = """() => {
    const shown = [...document.querySelectorAll("svg.graph")].filter(one => one.getClientRects().length)
    const boxes = shown.flatMap(one => [...one.querySelectorAll("g.box")])
    const beyond = box => { const place = box.getBoundingClientRect(); return place.left < 0 || place.right > innerWidth }
    const spills = box => [...box.querySelectorAll("text, div")].some(text =>
        text.getBoundingClientRect().right > box.querySelector("rect").getBoundingClientRect().right)
    const small = box => box.querySelector("rect").getBoundingClientRect().height < 40
    const page = document.documentElement
    return [boxes.length, boxes.filter(beyond).length, boxes.filter(spills).length, boxes.filter(small).length,
            page.scrollWidth > page.clientWidth]
}"""
"""Boxes of the drawings that are shown; those beyond the window, with text beyond their edge, too small to read; a wider page."""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 768, 1000, 1280])
def test_the_drawing_of_an_entity_is_seen_whole(visit, star, theme, width):
    page = visit("/", color_scheme=theme, viewport={"width": width, "height": 900})
    for links, number in star.items():
        page.goto(f"/entities/{number}")
        boxes = 1 + min((links + 1) // 2, AT_MOST) + min(links // 2, AT_MOST)
        assert page.evaluate(OUTSIDE) == [boxes, 0, 0, 0, False], f"{links} links"


@pytest.fixture
def walked(database, sql) -> dict[int, int]:
    """Number of columns -> id of an entity whose drawing of two links has so many."""
    name = "Wide-Managed-Workload-Name-That-Does-Not-End-In-A-Box-Of-28-Letters "
    chain = [Resource(f"n{n}", "network", "vpc", f"{name}{n}", {}, {}, (Link("member_of_the_group", f"n{n + 1}"),)) for n in range(4)]
    run_once(database, add_job(sql), [*chain, Resource("n4", "network", "vpc", name, {})])
    ids = dict(sql.execute("select external_id, id from entities").fetchall())
    return {3: ids["n0"], 4: ids["n1"], 5: ids["n2"]}


@pytest.mark.parametrize("width", [720, 768, 1000, 1150, 1193, 1280])
def test_the_drawing_of_two_links_is_seen_whole(visit, walked, width):
    page = visit("/", viewport={"width": width, "height": 900})
    for columns, number in walked.items():
        page.goto(f"/entities/{number}/graph")
        assert page.evaluate(OUTSIDE) == [columns, 0, 0, 0, False], f"{columns} columns"


FIGURES = """() => [...document.querySelectorAll("td[data-label]")].filter(one => one.getClientRects().length)
    .map(one => getComputedStyle(one, "::before").content.replace(/^"|: "$/g, ""))"""
"""The names that stand before the cells that can be seen."""


def test_on_a_phone_rows_are_cards_and_lists_stand_for_the_drawing(visit, inventory):
    page = visit("/entities?columns=id&columns=tags", viewport=PHONE)
    places = [cell.bounding_box() for cell in page.locator("tbody tr").first.locator("td").all()]
    assert len({place["x"] for place in places}) == 1, "each cell is a line of its own"
    assert not page.locator("thead").is_visible()
    page.goto("/entities/2/graph")
    assert (page.locator("svg.graph").first.is_visible(), page.get_by_text("What it depends on").is_visible()) == (False, True)
    page.set_viewport_size(DESK)
    assert page.locator("svg.graph.columns").is_visible()


def test_on_a_phone_each_figure_of_a_list_is_there_with_its_name(visit, inventory, elder):
    scope = {"owner": "connector:ldap", "run": "1", "scope": ["ldap", "dc=x", "", "ldap_user"]}
    elder.post("sync/scopes", {**scope, "outcome": "denied", "resources": 0}, 200)
    elder.post("sync/runs", {"owner": "connector:ldap", "run": "1", "status": "partial"}, 200)
    job, run = inventory
    page = visit("/", viewport=PHONE)
    named = {
        "/": {"Found", "New", "Changed", "Deleted", "Last run", "Next run"},
        f"/jobs/{job}": {"Found", "New", "Changed", "Deleted"},
        f"/runs/{run}": {"Scopes"},
        "/connectors": {"Next sync", "Found", "Scopes", "Not complete", "Abandoned", "Began", "Last complete"},
        "/connectors/ldap": {"Scopes", "Found", "New", "Changed", "Deleted"},
        "/changes": {"New", "Changed", "Deleted", "Restored"},
        "/scopes": {"Entities", "Read in full", "Last reading"},
        "/workers": {"Runs now", "Providers", "Queues", "Since", "Last seen"},
        "/providers": {"Name", "From", "Used as", "Types", "State"},
    }
    for path, names in named.items():
        page.goto(path)
        assert {*page.evaluate(FIGURES)} == names, path
        inspect(page, "cards" + path.replace("/", "-"))


def test_a_job_is_made_tested_changed_and_deleted(journey, sql, monkeypatch):
    """The secret stays in its field while the connection is tested, and is in no page afterwards."""
    answers = iter(
        (
            {"success": False, "message": "the key is unknown", "identity": None, "error_kind": "credentials"},
            {"success": True, "message": "signed in", "identity": {"name": "user/ann", "account": "1"}, "error_kind": ""},
        )
    )
    monkeypatch.setattr(job_form, "probe", lambda *_: next(answers))
    one = journey("/")
    page = one.page
    one.press(page.get_by_role("link", name="Make a job"))
    one.press(page.get_by_role("link", name="AWS"))
    page.wait_for_load_state()  # a form that is sent before its script is there is sent without it, and its answer has no secret
    one.fill(page.get_by_label("Name", exact=True), "AWS production")
    one.fill(page.get_by_label("access_key_id"), "AKIAXXXXXXXXXXXXXXXX")
    one.fill(page.get_by_label("secret_access_key"), SECRET)
    test = page.get_by_role("button", name="Test the connection")
    one.press(test)
    expect(page.get_by_text("The connection does not work: the key is unknown")).to_be_visible()
    expect(test, "the answer takes the focus from nobody").to_be_focused()
    one.step("job-1-refused")
    one.press(test)
    expect(page.get_by_text("user/ann")).to_be_visible()
    expect(page.get_by_label("secret_access_key")).to_have_value(SECRET)
    one.step("job-2-signed-in")
    assert sql.execute("select count(*) from discovery_jobs").fetchone() == (0,)

    one.fill(page.get_by_label("exclude_regions"), "nowhere-1x")
    one.press(page.get_by_role("button", name="Create the job"))
    expect(page.get_by_role("alert")).to_contain_text("nowhere-1x")
    one.fill(page.get_by_label("exclude_regions"), "eu-south-1")
    one.press(page.get_by_role("button", name="Create the job"))
    expect(page.get_by_role("heading", name="AWS production")).to_be_visible()
    assert SECRET not in page.content()

    one.press(page.get_by_role("link", name="Edit"))
    expect(page.get_by_role("button", name="Save")).to_be_visible()
    assert SECRET not in page.content()
    one.fill(page.get_by_label("Runs every"), "2")
    one.press(page.get_by_role("button", name="Save"))
    expect(page.get_by_text("every 2 h")).to_be_visible()
    one.step("job-3-saved")
    one.press(page.get_by_role("link", name="Edit"))
    one.press(page.get_by_text("Delete this job"))
    one.step("job-4-deletion")
    one.press(page.get_by_role("button", name="Delete AWS production"))
    expect(page.get_by_text("There is no job yet")).to_be_visible()


def test_a_job_gets_times_and_is_duplicated(journey, sql):
    job = add_job(sql, name="AWS production", schedule_interval=3600)
    one = journey(f"/jobs/{job}/edit")
    page = one.page
    save = page.get_by_role("button", name="Save")
    one.fill(page.get_by_label("or at times"), "30 3 * * MON-FRI")
    one.fill(page.get_by_label("Time zone"), "Berlin")
    one.press(save)
    expect(page.get_by_role("alert")).to_contain_text("leave one of the two empty")
    one.fill(page.get_by_label("Runs every"), "")
    one.press(save)
    expect(page.get_by_role("alert")).to_contain_text("is Europe/Berlin meant?")
    one.fill(page.get_by_label("Time zone"), "Europe/Berlin")
    one.press(save)
    expect(page.get_by_text("at 03:30 on Monday through Friday, Europe/Berlin")).to_be_visible()

    one.press(page.get_by_role("link", name="Duplicate"))
    expect(page.get_by_label("or at times")).to_have_value("30 3 * * MON-FRI")
    one.press(page.get_by_role("button", name="Create the job"))
    expect(page.get_by_role("heading", name="Copy of AWS production")).to_be_visible()


def test_without_scripts_the_form_works_and_keeps_no_secret(visit, sql):
    page = visit("/jobs/new?provider=aws", java_script_enabled=False)
    page.get_by_label("Name", exact=True).fill("AWS production")
    page.get_by_label("secret_access_key").fill(SECRET)
    page.get_by_role("button", name="Create the job").click()
    expect(page.get_by_role("alert")).to_contain_text("Not saved")
    expect(page.get_by_label("Name", exact=True)).to_have_value("AWS production")
    assert SECRET not in page.content()
    page.get_by_label("access_key_id").fill("AKIAXXXXXXXXXXXXXXXX")
    page.get_by_label("secret_access_key").fill(SECRET)
    page.get_by_role("button", name="Create the job").click()
    expect(page.get_by_role("heading", name="AWS production")).to_be_visible()


def test_by_keyboard_alone(visit, inventory):
    """The skip link, the pages, a filter and a button are reached with Tab and Enter, and what has the focus can be seen."""
    page = visit("/")
    page.keyboard.press("Tab")
    expect(page.get_by_text("To the content")).to_be_focused()
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Scopes":
            break
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Scopes")).to_be_visible()
    page.get_by_label("Type").focus()
    page.keyboard.type("type_3")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 scope", exact=True)).to_be_visible()


def test_without_scripts_an_abandoned_account_is_retired_after_a_second_question(visit, inventory, sql):
    sql.execute("update elder_worker.scopes set state = 'abandoned', state_since = now()")
    page = visit("/", java_script_enabled=False)
    page.get_by_role("link", name="13 abandoned scopes").click()
    page.get_by_label("Account").fill("111")
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("button", name="Retire all 13").click()
    expect(page.get_by_text("5 entities are marked as deleted")).to_be_visible()
    assert sql.execute("select count(*) from entities where is_active").fetchone() == (5,)
    page.get_by_role("button", name="Retire them").click()
    expect(page.get_by_text("13 scopes", exact=True)).to_be_visible()
    assert sql.execute("select count(*) from entities where is_active").fetchone() == (0,)
