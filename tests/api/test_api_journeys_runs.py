"""A job is run from its page and watched to its end; what its run holds back is released and restored: by mouse, and by keyboard on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from store_runs import Run, add_job, resources, run_once

from providers.errors import Outcome
from providers.records import Scope
from worker.run.outcome import Status, Verdict

pytestmark = pytest.mark.peer("chromium")
ELSEWHERE = Scope("aws", "111", "eu-south-1", "vpc")


@pytest.fixture
def job(sql) -> int:
    """A job that runs when somebody asks for it, and a worker that is there to run it."""
    sql.execute("insert into elder_worker.workers (owner, name, providers, queues) values (gen_random_uuid(), 'w1', '{aws}', '{default}')")
    return add_job(sql, name="AWS production", next_run_at=None, schedule_interval=None)


def test_a_job_is_run_and_watched_to_its_end(journey, database, sql, job):
    """Nobody reloads a page: each follows what happens."""
    one = journey("/")
    page = one.page
    one.press(page.get_by_role("link", name="AWS production"))
    expect(page.get_by_text("It has not run yet")).to_be_visible()
    one.step("run-1-job")
    one.press(page.get_by_role("button", name="Run now"))
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    one.step("run-2-due")

    run = Run(database, job)
    expect(page.get_by_role("heading", name="AWS production running")).to_be_visible()
    expect(page.get_by_role("table").get_by_text("running")).to_be_visible()
    one.step("run-3-running")
    one.press(page.get_by_role("table").get_by_role("link"))
    expect(page.get_by_text("No scope has ended yet")).to_be_visible()
    one.step("run-4-begun")
    run.scope(resources(5))
    expect(page.get_by_role("row").filter(has_text="us-east-1")).to_contain_text("5")
    run.scope([], ELSEWHERE, Outcome.DENIED, message="eu-south-1 is closed by a policy", permission="ec2:DescribeVpcs")
    expect(page.get_by_role("row").filter(has_text="eu-south-1 is closed by a policy")).to_contain_text("needs ec2:DescribeVpcs")
    one.step("run-5-denied")
    run.finish(Verdict(Status.PARTIAL, "", "1 scope was denied"))
    expect(page.get_by_role("heading", name=f"Run {run.claimed.run_id} partial")).to_be_visible()
    one.step("run-6-ended")


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
