"""The web pages: what a person sees, with nothing from elsewhere, and nothing of what sources say taken for HTML."""

from __future__ import annotations

import contextlib
import html.parser
import itertools
import re

import msgspec
import pytest
from store_runs import Run, add_job, claim, resources, run_once

from api.graph import AT_MOST, draw, draw_narrow
from api.pages.addresses import ADDRESSES
from providers.errors import Outcome
from providers.records import Identity, Link, Resource, Scope
from worker.run.inventory import InventoryError
from worker.run.outcome import Status, Verdict

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
BROWSER = {"Accept": "text/html"}
VOID = {"meta", "link", "img", "input", "br", "hr"}


class Page(html.parser.HTMLParser):
    """Well formed, and what is in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.text = ""
        self.feed(text)
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def values(self, tag: str, attribute: str) -> list[str]:
        return [attributes[attribute] for name, attributes in self.tags if name == tag and attribute in attributes]


def test_addresses_that_people_type_lead_to_the_page_they_mean(elder):
    for address, target in ADDRESSES.items():
        answer = elder.call("GET", f"{address}?status=error", headers=BROWSER)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"{target}?status=error")
        assert elder.call("GET", address, headers=BROWSER).headers["Location"] == target
        assert elder.call("GET", target, headers=BROWSER).status_code == 200
    for address in ("/connectors", "/entities", "/changes", "/scopes", "/workers", "/webhooks", "/providers", "/keys", "/audit"):
        assert elder.call("GET", address, headers=BROWSER).status_code == 200
    assert {"/jobs", "/orgs"} <= ADDRESSES.keys()


@pytest.fixture
def page(elder):
    def get(path: str, status: int = 200) -> Page:
        response = elder.call("GET", path, headers=BROWSER)
        assert response.status_code == status
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        found = Page(response.get_data(as_text=True))
        links = [*found.values("a", "href"), *found.values("img", "src"), *found.values("link", "href"), *found.values("script", "src")]
        assert all(re.match(r"[/?#](?!/)", link) for link in links), links
        assert not [
            attributes for _, attributes in found.tags if "style" in attributes or any(name.startswith("on") for name in attributes)
        ]
        return found

    return get


@pytest.fixture
def everything(database, sql):
    """Jobs and runs of every kind, and an inventory with hostile names. The first job's runs: completed, partial with tombstones held back."""
    job = add_job(sql, name=HOSTILE)
    vpc = Resource(
        "arn:vpc", "vpc", "vpc", HOSTILE, {"CidrBlock": HOSTILE, "Tags": [{"x": HOSTILE}], "none": None, "yes": True}, {HOSTILE: HOSTILE}
    )
    links = (Link("in_vpc", "arn:vpc"), Link("uses", HOSTILE))
    machines = [Resource(f"arn:{n}", "compute", "ec2_instance", f"m{n}", {"state": "on"}, links=links) for n in range(60)]
    run_once(database, job, [vpc, *machines])
    run = Run(database, job)
    run.scope([Resource("arn:vpc", "vpc", "vpc", HOSTILE, {"CidrBlock": "10.0.0.0/8"})])
    run.scope([], Scope("aws", "111", "us-west-2", "ec2_instance"), Outcome.DENIED, message=HOSTILE, permission="ec2:DescribeInstances")
    run.finish(Verdict(Status.PARTIAL, "", HOSTILE))
    parked = add_job(sql, name="parked", status="parked", crashes=3, next_run_at=None)
    running = add_job(sql, name="running")
    claim(database, job=running)
    return job, parked, running


def test_a_first_visit_says_what_to_do_next(page):
    first = page("/")
    assert "There is no job yet" in first.text
    assert "curl -X POST http://localhost/api/v1/discovery/jobs" in first.text
    assert "elder-worker run" in first.text
    assert "The inventory is empty" in page("/entities").text
    assert "There is none yet" in page("/organizations").text
    assert "Nothing yet" in page("/changes").text


def test_a_job_that_no_running_worker_can_run_says_so(page, sql):
    job = add_job(sql, queue="dmz", next_run_at="now")
    sql.execute("insert into elder_worker.workers (owner, name, queues) values ('11111111-1111-1111-1111-111111111111', 'w', '{default}')")
    sentence = "Nobody can run it: no running worker has the provider aws installed and switched on and serves the queue dmz."

    assert sentence in page(f"/jobs/{job}").text
    assert "as soon as one has a free slot" not in page(f"/jobs/{job}").text
    assert "when a worker can run it" in page("/").text
    sql.execute("update elder_worker.workers set queues = '{dmz}'")
    assert "Nobody can run it" not in page(f"/jobs/{job}").text
    assert "when a worker is free" in page("/").text


def test_the_page_of_a_job_that_finds_another_source_names_both_and_lets_a_person_accept(page, elder, database, sql):
    job = add_job(sql)
    runs = []
    for account in ("111", "222"):
        runs.append(Run(database, job))
        with contextlib.suppress(InventoryError):
            runs[-1].inventory.identity(Identity("reader", account))
            runs[-1].scope([])
        runs[-1].finish(Verdict(Status.COMPLETED) if account == "111" else Verdict(Status.ERROR, "config", "another source"))

    found = page(f"/jobs/{job}")
    assert "has read 111 so far, and its config now leads to 222" in found.text
    assert f"/jobs/{job}/accept-identity" in found.values("form", "action")
    accepted = elder.call("POST", f"/jobs/{job}/accept-identity", headers=BROWSER)
    assert accepted.status_code == 303
    assert "leads to" not in page(f"/jobs/{job}").text
    assert sql.execute("select identity from discovery_jobs where id = %s", [job]).fetchone() == (None,)
    assert "leads to" not in page(f"/runs/{runs[-1].claimed.run_id}").text


def test_a_run_that_goes_on_says_how_far_it_is(page, elder, database, sql):
    run = Run(database, add_job(sql))
    run.inventory.totals.planned = 4
    run.scope(resources(3))
    number = run.claimed.run_id
    sql.execute("update discovery_history set started_at = now() - interval '60 seconds' where id = %s", [number])

    told = elder.get(f"runs/{number}")
    assert told["scopes_planned"] == 4
    assert 180 <= told["seconds_left"] < 1_000
    assert "1 of 4 scopes have ended" in page(f"/runs/{number}").text
    run.finish()
    assert elder.get(f"runs/{number}")["seconds_left"] is None
    assert "have ended" not in page(f"/runs/{number}").text


def test_every_page_of_a_full_inventory(page, everything, sql):
    job, parked, running = everything
    run = sql.execute("select max(id) from discovery_history where job_id = %s", [job]).fetchone()[0]
    entity = sql.execute("select id from entities where external_id = 'arn:vpc'").fetchone()[0]
    paths = (
        "/",
        f"/jobs/{job}",
        f"/jobs/{parked}",
        f"/jobs/{running}",
        f"/runs/{run}",
        "/entities",
        f"/entities/{entity}",
        "/organizations",
        "/changes",
    )

    pages = {path: page(path) for path in paths}

    for path, found in pages.items():
        assert not found.values("img", "onerror"), path
        assert "alert(1)" not in "".join(found.values("script", "src")), path
        assert {tag for tag, _ in found.tags if tag == "h1"}, path
    assert HOSTILE in pages[f"/entities/{entity}"].text
    assert "ec2:DescribeInstances" in pages[f"/runs/{run}"].text
    assert "60 entities were not found any more" in pages[f"/runs/{run}"].text
    assert "Parked:" in pages[f"/jobs/{parked}"].text
    assert "No worker is running" in pages["/"].text


def test_only_a_page_about_something_that_moves_is_live(page, everything):
    job, _, running = everything

    assert page(f"/jobs/{running}").values("script", "src") == ["/static/live.js"]
    assert page(f"/jobs/{job}").values("script", "src") == []


def test_search_filters_and_pages_keep_the_filters(page, everything):
    found = page("/entities?sub_type=ec2_instance&q=m")

    assert "60 found" in found.text
    assert "?sub_type=ec2_instance&q=m&page=2" in {
        link.replace("?q=m&sub_type=ec2_instance", "?sub_type=ec2_instance&q=m") for link in found.values("a", "href")
    }
    assert (
        len([link for link in page("/entities?sub_type=ec2_instance&q=m&page=2").values("a", "href") if link.startswith("/entities/")])
        == 10
    )
    assert "Nothing fits" in page("/entities?q=no-such-thing").text
    assert "is not a number" in page("/entities?organization_id=x", 400).text
    assert "is not a number" in page("/entities?page=-1", 400).text


def test_buttons_do_what_the_api_does(elder, everything, sql):
    job, parked, running = everything
    run = sql.execute("select max(id) from discovery_history where job_id = %s", [job]).fetchone()[0]

    for path, back in (
        (f"/jobs/{parked}/queue", f"/jobs/{parked}"),
        (f"/jobs/{running}/cancel", f"/jobs/{running}"),
        (f"/runs/{run}/release", f"/runs/{run}"),
    ):
        response = elder.call("POST", path)
        assert (response.status_code, response.headers["Location"]) == (303, back)
        assert elder.call("GET", path).status_code == 405

    assert sql.execute("select status from discovery_jobs where id = %s", [parked]).fetchone() == ("pending",)
    assert sql.execute("select cancel_requested from discovery_jobs where id = %s", [running]).fetchone() == (True,)
    assert elder.get("entities")["total"] == 1


def test_a_button_on_another_site_does_nothing(elder, everything, sql):
    response = elder.call("POST", f"/jobs/{everything[1]}/queue", headers={"Origin": "http://evil.example", **BROWSER})

    assert response.status_code == 403
    assert sql.execute("select status from discovery_jobs where id = %s", [everything[1]]).fetchone() == ("parked",)


@pytest.mark.parametrize("path", ["/nothing", "/jobs/99", "/runs/99", "/entities/99", f"/{HOSTILE}"])
def test_what_is_not_there_is_a_page(page, path):
    assert "Not found" in page(path, 404).text


def test_a_secret_is_on_no_page(elder):
    job = elder.job()["id"]

    assert "s3cret-canary" not in elder.call("GET", f"/jobs/{job}").get_data(as_text=True)


def neighbours(left: int, right: int):
    return {
        "name": "x" * 100,
        "sub_type": "vpc",
        "dependents": [{"source_name": f"s{n}", "dependency_type": "in", "source_sub_type": "t", "source_id": n} for n in range(left)],
        "dependencies": [
            {"target_name": None, "target_external_id": "t" * 200, "dependency_type": "in", "target_sub_type": None, "target_id": None}
            for _ in range(right)
        ],
    }


@pytest.mark.parametrize(("left", "right"), [(1, 0), (0, 1), (3, 7), (500, 500)])
def test_everything_drawn_is_inside_the_drawing_and_apart(left, right):
    graph = draw(neighbours(left, right))

    boxes = [*graph.boxes, graph.centre]
    assert all(box.x >= 0 and box.y >= 0 and box.x + 236 <= graph.width and box.y + 46 <= graph.height for box in boxes)
    assert len({(box.x, box.y) for box in boxes}) == len(boxes) == min(left, AT_MOST) + min(right, AT_MOST) + 1
    assert len(graph.lines) == len(graph.boxes)
    assert graph.more == max(0, left - AT_MOST) + max(0, right - AT_MOST)


@pytest.mark.parametrize(("left", "right"), [(1, 0), (0, 1), (3, 7), (500, 500)])
def test_one_column_has_the_same_neighbours_from_dependents_to_dependencies(left, right):
    graph, wide = draw_narrow(neighbours(left, right)), draw(neighbours(left, right))

    assert [(box.name, box.kind, box.id) for box in graph.boxes] == [(box.name, box.kind, box.id) for box in wide.boxes]
    assert graph.more == wide.more
    tops = [box.y for box in (*graph.boxes[: min(left, AT_MOST)], graph.centre, *graph.boxes[min(left, AT_MOST) :])]
    assert all(lower - upper >= 46 for upper, lower in itertools.pairwise(tops))
    assert all(box.x + 236 <= graph.width <= 288 and box.y + 46 <= graph.height for box in (*graph.boxes, graph.centre))
    assert len(graph.lines) == bool(left) + min(right, AT_MOST)


def test_nothing_to_draw():
    assert draw(neighbours(0, 0)) is draw_narrow(neighbours(0, 0)) is None


def test_a_deep_tree_of_organizations_is_a_page(page, sql):
    sql.execute("insert into organizations (id, name, parent_id) select n, 'o' || n, nullif(n - 1, 0) from generate_series(1, 300) n")

    assert "300 in all" in page("/organizations").text


def test_scopes_that_share_a_reason_are_one_line(page, database, sql):
    job = add_job(sql)
    run = Run(database, job)
    for number in range(79):
        run.scope([], Scope("aws", "111", "eu-south-1", f"type_{number}"), Outcome.DENIED, message="eu-south-1 is closed by a policy")
    run.finish(Verdict(Status.PARTIAL, "", "79 scopes were denied"))

    shown = page(f"/runs/{run.claimed.run_id}").text

    assert shown.count("eu-south-1 is closed by a policy") == 1
    assert "type 78" in shown


def test_connectors_are_listed_and_each_shows_its_newest_ledger_and_its_history(page, elder, database):
    assert "No connector has delivered here yet" in page("/connectors").text
    users, groups = (["ldap", "dc=example", "", name, ""] for name in ("ldap_user", "ldap_group"))
    for run, outcome, status in (("ldap-1", "complete", "completed"), ("ldap-2", "denied", "partial")):
        elder.post("sync/runs", {"owner": "connector:ldap", "run": run, "status": "running"}, 200)
        for scope, ended in ((users, "complete"), (groups, outcome)):
            body = {"owner": "connector:ldap", "run": run, "scope": scope, "outcome": ended, "resources": 0, "message": HOSTILE}
            elder.post("sync/scopes", body, 200)
        elder.post("sync/runs", {"owner": "connector:ldap", "run": run, "status": status, "error": HOSTILE}, 200)

    listed, one = page("/connectors"), page("/connectors/ldap")

    assert "/connectors/ldap" in listed.values("a", "href")
    assert "partial" in listed.text
    assert "Not read in full" in one.text
    assert "ldap group" in one.text
    assert (one.text.count("completed"), one.text.count("denied")) >= (1, 1)
    assert "the newest sync of ldap was not complete" in page("/").text
    page("/connectors/nobody", 404)


def test_deletions_of_a_connector_that_are_held_back_are_released_on_its_page(page, elder, database, sql):
    people = [Resource(f"user-{n}", "user", "ldap_user", f"User {n}", {}, organization="dc=x") for n in range(40)]
    scope = {"owner": "connector:ldap", "run": "1", "scope": ["ldap", "dc=x", "", "ldap_user"]}
    elder.post("sync/runs", {"owner": "connector:ldap", "run": "1", "status": "running"}, 200)
    elder.post("sync/batch", {**scope, "organizations": [["dc=x", "LDAP: x"]], "resources": msgspec.to_builtins(people)}, 200)
    elder.post("sync/scopes", {**scope, "outcome": "complete", "resources": 40}, 200)
    elder.post("sync/runs", {"owner": "connector:ldap", "run": "1", "status": "completed"}, 200)
    sql.execute("insert into elder_worker.held (scope_id, entity_id) select scope_id, id from entities")

    shown = page("/connectors/ldap")

    assert "40 entities, links and attributes were not found any more" in shown.text
    assert "User 7" in shown.text
    assert "40 deletions are held back" in page("/").text
    answer = elder.call("POST", "/connectors/ldap/release", headers=BROWSER)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/connectors/ldap")
    assert sql.execute("select count(*) from entities where is_active").fetchone() == (0,)
    assert "were not found any more" not in page("/connectors/ldap").text


def test_scopes_are_filtered_and_abandoned_ones_are_retired_on_the_page(page, elder, database, sql):
    job = add_job(sql)
    for region in ("eu-west-1", "us-east-1"):
        run = Run(database, job)
        run.scope([Resource(f"arn:{region}", "compute", "ec2_instance", region)], Scope("aws", "111", region, "ec2_instance"))
        run.finish()
    assert elder.call("DELETE", f"/api/v1/discovery/jobs/{job}").status_code in (200, 204)

    everything, abandoned = page("/scopes"), page("/scopes?state=abandoned&owner=&region=eu-west-1")

    assert "2 scopes" in everything.text
    assert "1 abandoned scope:" in abandoned.text
    assert "Retire it" not in page("/scopes?state=abandoned&region=eu-west-1&not_complete_for=0s").text, "it would retire others, too"
    assert page("/scopes?state=retired").text.count("No scope fits these filters") == 1
    for agreed in ({}, {"agreed": "1 2"}):
        asked = elder.call("POST", "/scopes/retire", data={"region": "eu-west-1", **agreed}, headers=BROWSER)
        assert "1 entity is marked as deleted" in asked.text and 'name="agreed" value="1 1"' in asked.text
        assert ("The numbers have changed since you were asked, so nothing was retired." in asked.text) == bool(agreed)
        assert sql.execute("select count(*) from entities where is_active").fetchone() == (2,)
    answer = elder.call("POST", "/scopes/retire", data={"region": "eu-west-1", "agreed": "1 1"}, headers=BROWSER)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/scopes?state=retired")
    assert sql.execute("select external_id from entities where is_active").fetchall() == [("arn:us-east-1",)]
    assert "1 scope" in page("/scopes?state=retired").text
    page("/scopes?state=nonsense", 400)
    page("/scopes?not_complete_for=soon", 400)
    assert elder.call("POST", "/scopes/retire", headers=BROWSER).status_code == 400, "nothing is retired without a filter"


def test_workers_are_listed_with_what_they_run(page, database, sql):
    assert "No worker is running" in page("/workers").text
    sql.execute(
        "insert into elder_worker.workers (owner, name, providers, queues) values (gen_random_uuid(), 'w1', '{aws,gcp}', '{default,dmz}')"
    )

    shown = page("/workers").text

    assert "aws, gcp" in shown
    assert "default, dmz" in shown


def test_what_waits_for_a_person_is_told_first(page, database, sql):
    job = add_job(sql, name="crasher")
    sql.execute("update discovery_jobs set status = 'parked', crashes = 3 where id = %s", [job])

    home = page("/")

    assert "crasher is parked: its process crashed 3 times in a row" in home.text
    assert "No job fits these filters" in page("/?status=running").text
    assert "crasher" in page("/?status=parked").text
