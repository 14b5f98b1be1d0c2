"""The web pages: what a person sees, with nothing from elsewhere, and nothing of what sources say taken for HTML."""

from __future__ import annotations

import html.parser
import re

import pytest
from store_runs import Run, add_job, claim, run_once

from api.graph import AT_MOST, draw
from providers.errors import Outcome
from providers.records import Link, Resource, Scope
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


def test_nothing_to_draw():
    assert draw(neighbours(0, 0)) is None


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
