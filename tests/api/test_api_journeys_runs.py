"""A job is run from its page and watched to its end; what its run holds back is released and restored: by mouse, and by keyboard on a phone."""

from __future__ import annotations

import re
import threading

import pytest
from driver import descendants
from peers.aws_proxy import AwsReply, Call
from peers.elder import KEY
from peers.moto import KEYS
from peers.postgres import alive
from peers.service import Part
from playwright.sync_api import expect
from store_runs import Run, add_job, resources, run_once
from waiting import CAP, until

from providers.records import Scope

pytestmark = pytest.mark.peer("chromium")
ELSEWHERE = Scope("aws", "111", "eu-south-1", "vpc")


@pytest.fixture
def job(sql) -> int:
    """A job that runs when somebody asks for it, and a worker that is there to run it."""
    sql.execute("insert into elder_worker.workers (owner, name, providers, queues) values (gen_random_uuid(), 'w1', '{aws}', '{default}')")
    return add_job(sql, name="AWS production", next_run_at=None, schedule_interval=None)


class Held:
    """Calls to AWS that a test holds up until it lets them go."""

    def __init__(self, *operations: str) -> None:
        self._gates = {operation: threading.Event() for operation in operations}

    def __call__(self, call: Call) -> AwsReply | None:
        """Refuses what no role grants; else the source's own answer, once it may go."""
        if gate := self._gates.get(call.operation):
            assert gate.wait(CAP), f"nobody lets {call.operation} go"
        return AwsReply(403, "UnauthorizedOperation") if call.operation == "DescribeVpcs" else None

    def let_go(self, *operations: str) -> None:
        """Lets these calls go, and those that come after them; all, when none is named."""
        for operation in operations or self._gates:
            self._gates[operation].set()


@pytest.fixture
def held(aws_proxy, moto):
    """An AWS with three instances, in which a permission is missing; it says who asks, and lists instances, when the test lets it."""
    moto.client("ec2").run_instances(ImageId="ami-12c6146b", MinCount=3, MaxCount=3)
    calls = Held("GetCallerIdentity", "DescribeInstances")
    with aws_proxy.broken(calls):
        yield calls
        calls.let_go()


@pytest.fixture
def start_worker(database, aws_proxy, tmp_path):
    """Starts a worker as an operator does; in the end, nothing of it is left."""
    started: list[Part] = []

    def start() -> Part:
        environ = {"DATABASE_URL": database, "ELDER_SECRET_KEYS": KEY, "AWS_ENDPOINT_URL": aws_proxy.url}
        started.append(Part(tmp_path / "worker.log", "run", environ, "HEALTH_CHECK_PORT"))
        return started[-1]

    yield start
    for part in started:
        family = descendants(part.process.pid)
        part.stop()
        until(lambda family=family: not any(alive(one) for one in family), "nothing of the worker is left")


def test_a_job_is_run_by_a_worker_and_watched_to_its_end(journey, elder, sql, held, start_worker):
    """A real worker reads; nobody reloads a page: each follows what happens."""
    job = elder.job(name="AWS production", config={**KEYS, "regions": ["us-east-1"]})["id"]
    sql.execute("update discovery_jobs set next_run_at = null, schedule_interval = null where id = %s", [job])
    one = journey("/")
    page = one.page
    one.press(page.get_by_role("link", name="AWS production"))
    expect(page.get_by_text("It has not run yet")).to_be_visible()
    one.step("run-1-job")
    one.press(page.get_by_role("button", name="Run now"))
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    one.step("run-2-due")

    start_worker()
    expect(page.get_by_role("heading", name="AWS production running")).to_be_visible()
    expect(page.get_by_role("table").get_by_text("running")).to_be_visible()
    one.step("run-3-running")
    one.press(page.get_by_role("table").get_by_role("link"))
    expect(page.get_by_text("No scope has ended yet")).to_be_visible()
    one.step("run-4-begun")
    held.let_go("GetCallerIdentity")
    now = page.locator("p.list", has_text="Read now:")
    expect(now).to_contain_text("ec2 instance us-east-1")
    expect(page.get_by_role("row").filter(has_text="needs ec2:DescribeVpcs")).to_contain_text("denied")
    expect(now.locator("span")).to_have_count(2)
    expect(page.get_by_role("status")).to_contain_text("have ended; about")
    expect(page.get_by_role("status"), "a second is the least that is said").not_to_contain_text("about 0")
    one.step("run-5-reads-one")
    held.let_go("DescribeInstances")
    expect(page.get_by_role("heading", name=re.compile(r"Run \d+ partial"))).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="ec2 instance")).to_contain_text("3")
    expect(now).to_have_count(0)
    one.step("run-6-ended")
    assert sql.execute("select count(*) from entities where is_active and sub_type = 'ec2_instance'").fetchone() == (3,)


def test_what_is_held_back_is_released_and_restored(journey, database, sql, job):
    run_once(database, job, resources(60))
    run_once(database, job, [])
    one = journey("/")
    page = one.page
    one.press(page.get_by_role("link", name="60 deletions are held back"))
    expect(page.get_by_text("60 entities were not found any more")).to_be_visible()
    one.press(page.get_by_text("The first 50 of them"))
    expect(page.get_by_role("link", name="name 17")).to_be_visible()
    expect(page.get_by_role("button", name="Release these deletions")).to_be_hidden()
    one.press(page.get_by_text("They are really gone"))
    expect(page.get_by_text("with your name. They can be undone for 30 days.")).to_be_visible()
    one.step("release-1-held")
    one.press(page.get_by_role("button", name="Release these deletions"))
    expect(page.get_by_text("60 entities held back before were released as deleted")).to_be_visible()
    expect(page.get_by_text("They are really gone")).to_have_count(0)
    assert sql.execute("select count(*) from entities where is_active").fetchone() == (0,)
    one.press(page.get_by_text("Undo", exact=True))
    one.step("release-2-released")
    one.press(page.get_by_role("button", name="Restore what was deleted"))
    expect(page.get_by_text("60 entities held back before were released and are restored")).to_be_visible()
    expect(page.get_by_text("60 entities were not found any more")).to_be_visible()
    one.step("release-3-restored")
    assert sql.execute("select count(*) from entities where is_active").fetchone() == (60,)


def test_a_page_follows_a_run_around_what_has_the_focus_and_what_is_unfolded(visit, database, sql, job):
    """A person who has come to a button or has unfolded something still sees how the run ends, from where they are."""
    sql.execute("update discovery_jobs set next_run_at = now()")
    run = Run(database, job)
    run.scope([], ELSEWHERE)
    page, of_the_run = visit(f"/jobs/{job}"), visit(f"/runs/{run.claimed.run_id}")
    unfolded = of_the_run.locator("summary").filter(has_text="read in full with nothing in")
    unfolded.press("Enter")
    page.get_by_role("link", name="Edit").focus()

    run.scope(resources(5))
    expect(of_the_run.locator(".figures")).to_contain_text("5 found")
    run.scope([], Scope("aws", "111", "eu-west-1", "vpc"))
    expect(unfolded).to_have_text("2 scopes read in full with nothing in them")
    expect(of_the_run.get_by_text("eu-west-1")).to_be_visible()
    run.finish()
    expect(page.get_by_role("heading", name="AWS production completed")).to_be_visible()
    expect(page.get_by_role("button", name="Run now")).to_be_visible()
    expect(page.get_by_role("link", name="Edit")).to_be_focused()
    expect(of_the_run.get_by_role("heading", name="completed")).to_be_visible()
    expect(of_the_run.get_by_text("eu-west-1")).to_be_visible()
    expect(unfolded).to_be_focused()
