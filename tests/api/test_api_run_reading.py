"""The scopes that a run reads now, in the API, on its page and by the command: each until it has ended."""

from __future__ import annotations

import os
import pty
import subprocess

import pytest
from peers.browser import PHONE, inspect
from peers.elder import COMMAND
from playwright.sync_api import expect
from store_runs import Run, add_job, resources
from waiting import CAP, until

from providers.records import Scope
from worker.run.outcome import Status, Verdict

WIDE = {"width": 1280, "height": 900}
VPCS = [Scope("aws", "111122223333", region, "vpc") for region in ("eu-west-1", "eu-west-2")]


@pytest.fixture
def run(database, sql):
    """A run that has read one scope and reads two others."""
    found = Run(database, add_job(sql, name="AWS production"))
    found.inventory.totals.planned = 4
    found.scope(resources(3))
    return found


def test_the_api_lists_the_scopes_that_are_begun_and_have_not_ended(elder, run):
    number = run.claimed.run_id
    assert elder.get(f"runs/{number}")["reading"] == []
    first, second = (run.open([], scope) for scope in VPCS)
    reading = elder.get(f"runs/{number}")["reading"]
    assert [(one["account"], one["region"], one["resource_type"]) for one in reading] == [
        ("111122223333", "eu-west-1", "vpc"),
        ("111122223333", "eu-west-2", "vpc"),
    ]
    run.close(first, 0)
    assert [one["region"] for one in elder.get(f"runs/{number}")["reading"]] == ["eu-west-2"]
    run.finish(Verdict(Status.ERROR, "timeout", "too long"))
    assert elder.get(f"runs/{number}")["reading"] == [], f"scope {second} was cut off"


def test_a_later_run_does_not_read_what_an_earlier_one_left(elder, database, sql, run):
    run.open([], VPCS[0])
    run.finish(Verdict(Status.ERROR, "timeout", "too long"))
    sql.execute("update discovery_jobs set next_run_at = now() where id = %s", [run.claimed.job_id])
    later = Run(database, run.claimed.job_id)
    assert elder.get(f"runs/{later.claimed.run_id}")["reading"] == []
    later.open([], VPCS[1])
    assert [one["region"] for one in elder.get(f"runs/{later.claimed.run_id}")["reading"]] == ["eu-west-2"]
    later.finish()


@pytest.mark.peer("chromium")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["desk", "phone"])
def test_the_page_names_them_and_follows(visit, run, theme, viewport):
    opened = [run.open([], scope) for scope in VPCS]
    page = visit(f"/runs/{run.claimed.run_id}", color_scheme=theme, viewport=viewport)
    expect(page.get_by_text("Read now:")).to_be_visible()
    expect(page.get_by_text("eu-west-1 111122223333")).to_be_visible()
    inspect(page, "run-reading")
    run.close(opened[0], 0)
    expect(page.locator("p.list").first).not_to_contain_text("eu-west-1")
    expect(page.get_by_text("eu-west-2 111122223333")).to_be_visible()
    run.close(opened[1], 0)
    expect(page.get_by_text("Read now:")).to_have_count(0)
    run.finish()


def test_the_command_shows_them(elder_command, run):
    for scope in VPCS:
        run.open([], scope)
    shown = elder_command("runs", "get", str(run.claimed.run_id)).stdout
    assert [line.split()[:3] for line in shown.partition("\nread now\n")[2].splitlines()[1:]] == [
        ["111122223333", "eu-west-1", "vpc"],
        ["111122223333", "eu-west-2", "vpc"],
    ]
    run.finish()


def test_on_a_terminal_a_run_that_is_watched_names_them(site, run, tmp_path):
    for scope in VPCS:
        run.open([], scope)
    parent, child = pty.openpty()
    environ = {**os.environ, "ELDER_API_URL": site, "COLUMNS": "200", "HOME": str(tmp_path)}
    command = [*COMMAND, "runs", "watch", str(run.claimed.run_id)]
    with subprocess.Popen(command, env=environ, stdin=child, stdout=child, stderr=child) as running:
        os.close(child)
        seen = b""

        def says_so() -> bool:
            nonlocal seen
            seen += os.read(parent, 65536)
            return b"; reads vpc in eu-west-1 and 1 more" in seen

        until(says_so, "the progress names what is read")
        run.finish()
        running.wait(CAP)
    os.close(parent)
