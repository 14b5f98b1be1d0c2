"""The log of a run in the API, on the command line and on its page."""

from __future__ import annotations

import csv
import io
import json

import pytest
from peers.browser import DESK, PHONE, inspect
from playwright.sync_api import expect
from store_runs import Run, add_job

from worker.run.outcome import RunLog, Status, Verdict
from worker.store.inventory import closing

LINES = [
    ("2026-01-31T03:00:00.250Z", "info", "providers.http.retry", "waiting 5 s for ec2.eu-west-1.amazonaws.com: throttled"),
    ("2026-01-31T03:00:05.000Z", "warning", "sdk", "=1+1 <b>slow</b> \\x1b[2J " + "x" * 300),
    ("2026-01-31T03:20:00.000Z", "error", "sdk", "no answer tries=3"),
]
LONG = LINES[1][3]


@pytest.fixture
def run(database, sql):
    """The id of a run that was killed after it had logged 15 lines, of which three are kept."""
    one = Run(database, add_job(sql, name="AWS production"))
    one.finish(Verdict(Status.ERROR, "timeout", "the job ran longer than its limit", log=RunLog(LINES, 12, 2)))
    return one.claimed.run_id


def test_the_api_has_the_lines_and_how_many_are_left_out(elder, run):
    found = elder.get(f"runs/{run}/log")
    assert (found["run_id"], found["status"], found["left_out"], found["left_out_after"]) == (run, "error", 12, 2)
    assert [tuple(line.values()) for line in found["lines"]] == LINES
    assert list(found["lines"][0]) == ["at", "level", "logger", "text"]


def test_a_run_without_a_log_has_no_lines_and_one_that_is_not_there_is_not_found(elder, database, sql):
    one = Run(database, add_job(sql))
    number = one.claimed.run_id
    assert elder.get(f"runs/{number}/log") == {"run_id": number, "status": "running", "lines": [], "left_out": 0, "left_out_after": 0}
    one.finish()
    assert elder.get(f"runs/{number}/log")["status"] == "completed"
    assert elder.get("runs/4711/log", 404)["error"] == "there is no run 4711"
    sql.execute("update discovery_jobs set deleted_at = now()")
    elder.get(f"runs/{number}/log", 404)


PRINTED = f"""\
2026-01-31T03:00:00.250Z info     providers.http.retry: waiting 5 s for ec2.eu-west-1.amazonaws.com: throttled
2026-01-31T03:00:05.000Z warning  sdk: {LONG}
... 12 lines are left out ...
2026-01-31T03:20:00.000Z error    sdk: no answer tries=3
"""


def test_the_command_prints_a_line_each(elder_command, run):
    assert elder_command("runs", "logs", str(run)).stdout == PRINTED
    assert elder_command("jobs", "logs", "1").stdout == PRINTED


def test_the_command_prints_each_other_form(elder_command, run):
    whole = elder_command("-o", "json", "runs", "logs", str(run))
    assert [tuple(line.values()) for line in json.loads(whole.stdout)] == LINES
    assert whole.stderr == "12 lines are left out\n"
    lines = elder_command("-o", "jsonl", "jobs", "logs", "1").stdout.splitlines()
    assert [json.loads(line)["level"] for line in lines] == ["info", "warning", "error"]
    rows = list(csv.DictReader(io.StringIO(elder_command("-o", "csv", "runs", "logs", str(run)).stdout)))
    assert rows[1]["text"] == "'" + LONG, "no spreadsheet takes it for a formula"


def test_the_command_says_why_there_is_nothing(elder_command, database, sql):
    job = add_job(sql)
    assert elder_command("jobs", "logs", str(job), code=6).stderr == f"elder: job {job} has not run yet\n"
    one = Run(database, job)
    number = one.claimed.run_id
    going = elder_command("jobs", "logs", str(job))
    assert (going.stdout, going.stderr) == ("", f"run {number} goes on, and no line of its log is stored yet\n")
    one.inventory.flush(RunLog([("2026-01-31T03:00:00.250Z", "info", "sdk", "so far")]))
    assert elder_command("runs", "logs", str(number)).stdout == "2026-01-31T03:00:00.250Z info     sdk: so far\n"
    sql.execute("delete from elder_worker.run_logs")
    one.finish()
    ended = elder_command("-o", "json", "runs", "logs", str(number))
    assert (ended.stdout, ended.stderr) == ("[]\n", f"run {number} has no log: it has logged nothing, or ended more than two weeks ago\n")
    assert elder_command("runs", "logs", "4711", code=6).stderr == "elder: there is no run 4711\n"


def page_of(elder, run):
    return elder.call("GET", f"/runs/{run}", headers={"Accept": "text/html"}).get_data(as_text=True)


def test_a_page_without_a_log_has_no_word_of_it(elder, database, sql):
    one = Run(database, add_job(sql))
    one.finish()
    assert 'class="log"' not in page_of(elder, one.claimed.run_id)


def test_the_page_of_a_run_that_goes_on_shows_what_it_has_logged(elder, database, sql):
    one = Run(database, add_job(sql))
    with closing(one.inventory):
        one.inventory.flush(RunLog([("2026-01-31T03:00:00.250Z", "info", "sdk", "so far")]))
    shown = page_of(elder, one.claimed.run_id)
    assert "so far" in shown
    assert elder.get(f"runs/{one.claimed.run_id}/log")["status"] == "running"


def test_what_was_logged_is_text_on_the_page(elder, run):
    shown = page_of(elder, run)
    assert "&lt;b&gt;slow&lt;/b&gt;" in shown
    assert "<b>slow" not in shown


@pytest.mark.peer("chromium")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_a_person_opens_the_log_of_a_run(visit, run, theme, viewport):
    page = visit(f"/runs/{run}", color_scheme=theme, viewport=viewport)
    log = page.locator("details.log")
    expect(log.locator("li").first).to_be_hidden()
    log.locator("summary").click()

    expect(log.locator("summary")).to_have_text("Log 15 lines, times in UTC")
    expect(log.locator("li")).to_have_text(
        [
            "03:00:00 info providers.http.retry waiting 5 s for ec2.eu-west-1.amazonaws.com: throttled",
            f"03:00:05 warning sdk {LONG}",
            "12 lines left out",
            "03:20:00 error sdk no answer tries=3",
        ]
    )
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), "nothing is wider than the window"
    inspect(page)
