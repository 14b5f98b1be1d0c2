"""Several jobs at once, on the page and by the command: each as it would be by itself, and one that is refused does not stop the others."""

from __future__ import annotations

import pytest
from peers.browser import DESK, PHONE, inspect
from playwright.sync_api import expect
from store_runs import add_job, claim

BROWSER = {"Accept": "text/html"}


@pytest.fixture
def jobs(sql) -> dict[str, int]:
    """Names and ids of four jobs, of which one is disabled."""
    found = {name: add_job(sql, name=name, next_run_at=None, schedule_interval=None) for name in ("alpha", "beta", "gamma", "off")}
    sql.execute("update discovery_jobs set enabled = false where id = %s", [found["off"]])
    return found


def send(elder, action: str, *chosen, status: int = 200, headers=BROWSER, **more) -> str:
    answer = elder.call("POST", "/jobs/select", data={"action": action, "job": [*map(str, chosen)], **more}, headers=headers)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def lines(elder) -> set[tuple[str, str]]:
    return {(line["action"], line["object"]) for line in elder.get("audit")["audit"]}


def test_one_job_that_is_refused_does_not_stop_the_others(elder, sql, jobs):
    shown = send(elder, "queue", jobs["off"], jobs["alpha"], jobs["beta"], 999)

    assert "<b>2 jobs are due now:</b> alpha and beta" in shown
    assert "<b>2 jobs stay as they were:</b>" in shown
    assert f"<li>off: job {jobs['off']} is disabled" in shown
    assert "<li>job 999: there is no job 999</li>" in shown
    due = sql.execute("select name from discovery_jobs where next_run_at is not null order by name").fetchall()
    assert due == [("alpha",), ("beta",)]
    assert lines(elder) == {("job queued", f"job {jobs[name]}") for name in ("alpha", "beta")}


def test_jobs_that_wait_are_cancelled_and_one_that_has_ended_says_so(elder, sql, jobs):
    send(elder, "queue", jobs["alpha"], jobs["beta"])
    sql.execute("update discovery_jobs set status = 'completed' where name = 'gamma'")
    shown = send(elder, "cancel", jobs["alpha"], jobs["beta"], jobs["gamma"])

    assert "<b>2 jobs are cancelled:</b> alpha and beta" in shown
    assert f"<li>gamma: job {jobs['gamma']} is completed: there is nothing to cancel</li>" in shown
    assert sql.execute("select count(*) from discovery_jobs where next_run_at is not null").fetchone() == (0,)


def test_jobs_are_enabled_and_disabled_with_a_line_in_the_audit_log_for_each(elder, sql, jobs):
    send(elder, "disable", jobs["alpha"], jobs["beta"])
    send(elder, "enable", jobs["off"])

    enabled = dict(sql.execute("select name, enabled from discovery_jobs").fetchall())
    assert enabled == {"alpha": False, "beta": False, "gamma": True, "off": True}
    assert lines(elder) == {("job changed", f"job {jobs[name]}") for name in ("alpha", "beta", "off")}


def test_a_deletion_is_asked_about_and_leaves_out_a_job_that_runs(elder, database, sql, jobs):
    sql.execute("update discovery_jobs set next_run_at = now() where name = 'gamma'")
    claim(database, job=jobs["gamma"])
    asked = send(elder, "delete", jobs["alpha"], jobs["gamma"])
    assert "Delete 2 jobs?" in asked
    assert "What they found stays in the inventory" in asked
    assert elder.get("discovery/jobs")["total"] == 4

    shown = send(elder, "delete", jobs["alpha"], jobs["gamma"], confirmed="yes")

    assert "<b>1 job is deleted:</b> alpha" in shown
    assert f"<li>gamma: job {jobs['gamma']} is running: cancel it first</li>" in shown
    assert {job["name"] for job in elder.get("discovery/jobs")["jobs"]} == {"beta", "gamma", "off"}


@pytest.mark.parametrize(("action", "chosen"), [("queue", []), ("explode", [1]), ("", [1]), ("queue", range(1, 60)), ("queue", ["x"])])
def test_what_is_no_choice_changes_nothing(elder, sql, jobs, action, chosen):
    send(elder, action, *chosen, status=400)

    assert sql.execute("select count(*) from discovery_jobs where next_run_at is not null").fetchone() == (0,)


def test_a_form_on_another_site_does_nothing(elder, sql, jobs):
    send(elder, "queue", jobs["alpha"], status=403, headers={"Origin": "http://evil.example", **BROWSER})

    assert sql.execute("select count(*) from discovery_jobs where next_run_at is not null").fetchone() == (0,)


@pytest.mark.peer("chromium")
@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_jobs_are_ticked_and_run_by_keyboard(visit, sql, jobs, scripts):
    page = visit("/", java_script_enabled=scripts)
    page.get_by_role("link", name="Select several").click()
    page.get_by_role("checkbox", name="gamma").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.get_by_role("button", name="Run now").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_contain_text("2 jobs are due now")
    assert sql.execute("select name from discovery_jobs where next_run_at is not null order by name").fetchall() == [("beta",), ("gamma",)]


@pytest.mark.peer("chromium")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_every_step_is_clean_in_both_themes_and_on_a_phone(visit, sql, jobs, theme, viewport):
    for number in range(14):
        add_job(sql, name=f"account {number} of the platform team in the Frankfurt region", next_run_at=None)
    page = visit("/jobs/select?tick=all", color_scheme=theme, viewport=viewport)
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(18)
    expect(page.get_by_role("button", name="Disable")).to_be_in_viewport()
    inspect(page, "select")
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_role("alert")).to_contain_text("1 job stays as it was")
    inspect(page, "select-done")
    page.get_by_role("checkbox", name="alpha").check()
    page.get_by_role("button", name="Delete…").click()
    expect(page.get_by_role("heading", name="Delete 2 jobs?")).to_be_visible()
    inspect(page, "select-delete")
    page.get_by_role("button", name="Delete them").click()
    expect(page.get_by_role("status")).to_contain_text("2 jobs are deleted")


def test_the_command_takes_several_jobs_and_goes_on_after_a_refusal(elder_command, sql, jobs):
    ran = elder_command("jobs", "run", str(jobs["alpha"]), str(jobs["off"]), str(jobs["beta"]), code=7)

    assert [line.partition(": ")[0] for line in ran.stdout.splitlines()] == [f"job {jobs['alpha']}", f"job {jobs['beta']}"]
    assert f"elder: job {jobs['off']}: " in ran.stderr
    elder_command("jobs", "edit", str(jobs["alpha"]), str(jobs["beta"]), "--disable")
    assert sql.execute("select name from discovery_jobs where enabled").fetchall() == [("gamma",)]
    elder_command("jobs", "delete", "--yes", str(jobs["alpha"]), str(jobs["off"]))
    assert elder_command("-o", "jsonl", "jobs", "list").stdout.count("\n") == 2


def test_the_command_waits_for_one_job_only(elder_command, sql, jobs):
    assert "--wait waits for one job" in elder_command("jobs", "run", "--wait", "1", "2", code=2).stderr
    assert sql.execute("select count(*) from discovery_jobs where next_run_at is not null").fetchone() == (0,)
