"""The page of a run: its scopes by their causes, and what grants the permissions that are missing."""

from __future__ import annotations

import json

import pytest
from peers.browser import DESK, PHONE, inspect
from playwright.sync_api import expect
from store_runs import Run, add_job

from providers.errors import Outcome
from providers.records import Scope
from worker.run.outcome import Status, Verdict

ACTIONS = ("ec2:DescribeVpcs", "ec2:DescribeSubnets")
REGIONS = ("eu-west-1", "us-east-1", "us-west-2")
SENTENCE = "the permission {} is missing in {} of account 111: allow it to this user or role"


def denied_run(database, sql, actions: tuple[str, ...] = ACTIONS) -> int:
    """The id of a run that lacks each of these actions in three regions; another region is closed by the organization."""
    run = Run(database, add_job(sql, name="AWS production"))
    for action in actions:
        for region in REGIONS:
            scope = Scope("aws", "111", region, action.lower())
            run.scope([], scope, Outcome.DENIED, message=SENTENCE.format(action, region), permission=action)
    words = "a service control policy of the organization denies ec2:DescribeImages in me-south-1"
    run.scope([], Scope("aws", "111", "me-south-1", "ami"), Outcome.DENIED, message=words, permission="ec2:DescribeImages")
    run.finish(Verdict(Status.PARTIAL, "", "7 scopes were denied"))
    return run.claimed.run_id


def actions_of(text: str) -> list[str]:
    return json.loads(text)["Statement"][0]["Action"]


def test_the_api_has_one_policy_of_exactly_what_is_missing(elder, database, sql):
    found = elder.get(f"runs/{denied_run(database, sql)}")

    assert [cause["scopes"] for cause in found["causes"]] == [3, 3, 1]
    assert actions_of(found["grant"]["text"]) == sorted(ACTIONS)
    assert "inline policy" in found["grant"]["advice"]


def test_a_run_in_which_nothing_is_missing_has_none(elder, database, sql):
    run = denied_run(database, sql, actions=())

    assert elder.get(f"runs/{run}")["grant"] is None
    assert "To grant" not in elder.call("GET", f"/runs/{run}", headers={"Accept": "text/html"}).get_data(as_text=True)


def test_the_command_prints_it(elder_command, database, sql):
    printed = elder_command("runs", "get", str(denied_run(database, sql))).stdout

    assert actions_of(printed.partition("one of its policies.\n\n")[2]) == sorted(ACTIONS)


@pytest.mark.peer("chromium")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_a_person_copies_the_policy_from_the_page_without_scripts(visit, database, sql, theme, viewport):
    run = denied_run(database, sql)

    page = visit(f"/runs/{run}", color_scheme=theme, viewport=viewport, java_script_enabled=False)
    note = page.locator(".grant pre")
    note.click()

    expect(note).to_have_css("user-select", "all")
    assert actions_of(note.text_content()) == sorted(ACTIONS)


@pytest.mark.peer("chromium")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_each_cause_has_its_own_and_one_click_selects_it(visit, database, sql, theme, viewport):
    page = visit(f"/runs/{denied_run(database, sql)}", color_scheme=theme, viewport=viewport)
    own = page.locator("tbody tr").filter(has_text="needs ec2:DescribeSubnets").locator("details").filter(has_text="What grants this one")
    own.locator("summary").click()
    own.locator("pre").click()

    assert actions_of(page.evaluate("getSelection().toString()")) == ["ec2:DescribeSubnets"]
    closed = page.locator("tbody tr").filter(has_text="service control policy")
    expect(closed).not_to_contain_text("What grants")
    inspect(page)


@pytest.mark.peer("chromium")
def test_one_cause_alone_has_the_policy_once(visit, database, sql):
    page = visit(f"/runs/{denied_run(database, sql, ACTIONS[:1])}")

    expect(page.locator("pre.copy")).to_have_count(1)
    assert actions_of(page.locator("pre.copy").text_content()) == [ACTIONS[0]]
