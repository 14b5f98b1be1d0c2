"""Times of pages are relative, or absolute in UTC where a person has chosen that: by a link, without a mouse and without scripts."""

from __future__ import annotations

import ast
import datetime as dt
import pathlib
import re

import pytest
from flask import Flask
from peers.browser import DESK, PHONE, inspect
from playwright.sync_api import expect
from store_runs import Run, add_job, resources

from api import pages

EXACT = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
BROWSER = {"Accept": "text/html"}


@pytest.fixture
def run(database, sql):
    """A run that began two hours ago."""
    one = Run(database, add_job(sql))
    one.scope(resources(2))
    one.finish()
    sql.execute("update discovery_history set started_at = now() - interval '125 minutes'")
    return one.claimed.run_id


def times(text):
    return [(shown, hint) for hint, shown in re.findall(r'<time datetime="[^"]+" title="([^"]+)">([^<]+)</time>', text)]


def test_the_choice_is_kept_by_the_browser_and_leads_back(elder, run):
    answer = elder.call("GET", f"/times?show=absolute&back=/runs/{run}%3Fa%3Db", headers=BROWSER)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/runs/{run}?a=b")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("elder_times=absolute; ")
    assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    elder.call("GET", "/times?show=relative", headers=BROWSER)


@pytest.mark.parametrize(
    "back", ["//evil.example", "/\\evil.example", "https://evil.example", "evil", "", "/%0d%0aX: y", "/a\\b", "/é", "/" + "a" * 5_000]
)
def test_the_choice_leads_to_no_other_host(elder, database, back):
    answer = elder.http.get("/times", query_string={"show": "absolute", "back": back}, headers=BROWSER)
    assert answer.status_code in (303, 400)
    assert answer.headers.get("Location", "/") == "/"


def test_times_are_relative_until_a_person_chooses(elder, run):
    page = elder.call("GET", f"/runs/{run}", headers=BROWSER).get_data(as_text=True)
    [(shown, hint), *_] = times(page)
    assert shown == "2 h ago"
    assert re.fullmatch(EXACT, hint)
    assert f"/times?show=absolute&amp;back=%2Fruns%2F{run}" in page or f"/times?show=absolute&amp;back=/runs/{run}" in page


@pytest.mark.peer("chromium")
@pytest.mark.parametrize(("viewport", "scripts"), [(DESK, True), (PHONE, True), (PHONE, False)], ids=["desk", "phone", "no scripts"])
def test_a_person_reads_the_exact_time_by_keyboard(visit, elder, run, viewport, scripts):
    page = visit(f"/runs/{run}?x=1", viewport=viewport, java_script_enabled=scripts)
    moment = page.locator("main time").first
    expect(moment).to_have_text("2 h ago")
    exact = moment.get_attribute("title")
    link = page.get_by_role("navigation", name="Times").get_by_role("link")
    link.focus()
    page.keyboard.press("Enter")
    expect(moment).to_have_text(exact)
    assert page.url.endswith(f"/runs/{run}?x=1")
    began = dt.datetime.strptime(exact, "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=dt.UTC)
    assert dt.datetime.now(dt.UTC) - began >= dt.timedelta(minutes=125)
    if scripts:
        inspect(page)
    page.goto("/")
    expect(page.locator("main time").first).to_have_text(re.compile(EXACT))
    if scripts:
        inspect(page)
    page.get_by_role("navigation", name="Times").get_by_role("link").click()
    expect(page.locator("main time").first).not_to_have_text(re.compile(EXACT))


def test_no_page_gives_its_template_a_name_that_hides_one_of_all_pages(elder_app):
    """The foot calls functions: a page with a text of the same name would be an error."""
    own = elder_app.jinja_env.globals.keys() - Flask("other").jinja_env.globals.keys()
    assert own == {"absolute_times", "this_page"}
    hidden = [
        (file.name, name)
        for file in sorted(pathlib.Path(pages.__file__).parent.glob("*.py"))
        for name in own & given(ast.parse(file.read_text()))
        if file.name != "routes.py"
    ]
    assert hidden == []


def given(module: ast.Module) -> set[str]:
    """The names that a module gives its templates: keywords of calls, and texts that are keys of a dict."""
    nodes = list(ast.walk(module))
    keywords = {node.arg for node in nodes if isinstance(node, ast.keyword) and node.arg}
    keys = {key.value for node in nodes if isinstance(node, ast.Dict) for key in node.keys if isinstance(key, ast.Constant)}
    return keywords | keys
