"""The page of the audit log, for operators: filters by person, action, object and time, what is different, and nobody but admins."""

from __future__ import annotations

import html
import re

import pytest

BROWSER = {"Accept": "text/html"}
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def page(elder):
    def get(path: str, status: int = 200) -> str:
        response = elder.call("GET", path, headers=BROWSER)
        assert response.status_code == status, response.get_data(as_text=True)
        return response.get_data(as_text=True)

    return get


def lines(text: str) -> list[str]:
    """The rows of the table, as text."""
    body = text.partition("<tbody>")[2].partition("</tbody>")[0]
    return [html.unescape(re.sub(r"<[^>]*>", " ", row)) for row in body.split("<tr>")[1:]]


def test_an_empty_log_says_what_will_be_there(page):
    assert "Nothing has been changed yet" in page("/audit")


def test_each_change_says_who_from_where_and_what_is_different(elder, page):
    job = elder.job()
    elder.patch(f"discovery/jobs/{job['id']}", {"name": HOSTILE, "config": {"secret_access_key": "an0ther-canary"}})

    text = page("/audit")
    changed, made = lines(text)

    assert f"job changed  job {job['id']}" in changed
    assert "local" in changed
    assert "127.0.0.1" in changed
    assert "changed   name" in changed
    assert HOSTILE in changed
    assert "***CHANGED***" in changed
    assert f"job made  job {job['id']}" in made
    assert HOSTILE not in text
    assert "canary" not in text
    assert 'href="/audit" aria-current="page"' in text


def test_filters_by_person_action_object_and_time(elder, page, sql):
    first, second = elder.job(), elder.job(name="second")
    elder.delete(f"discovery/jobs/{first['id']}")
    sql.execute("update audit_log set at = now() - interval '3 days', actor = 'key:night shift' where object = %s", [f"job {second['id']}"])

    assert [line.split()[:4] for line in lines(page("/audit?action=job+made"))] == [
        ["job", "made", "job", str(second["id"])],
        ["job", "made", "job", str(first["id"])],
    ]
    assert len(lines(page(f"/audit?object=job+{first['id']}"))) == 2
    assert len(lines(page("/audit?actor=key:night+shift"))) == 1
    assert len(lines(page("/audit?since=1h"))) == 2
    [old] = lines(page("/audit?since=7d&until=1d"))
    assert "key:night shift" in old
    assert "No line fits these filters" in page("/audit?since=2d&until=1d")
    assert [line["object"] for line in elder.get("audit?since=7d&until=1d")["audit"]] == [f"job {second['id']}"]


@pytest.mark.parametrize("query", ["since=yesterday", "until=soon", "since=2026-13-45", "page=x"])
def test_a_filter_that_makes_no_sense_is_told(page, query):
    assert "is a date, a time such as" in page(f"/audit?{query}", 400) or "is not a number" in page(f"/audit?{query}", 400)


def test_a_long_log_has_pages(elder, page, sql):
    sql.execute(
        "insert into audit_log (actor, role, address, action, object) select 'local', 'admin', '', 'x', n::text from generate_series(1, 51) n"
    )
    assert len(lines(page("/audit"))) == 50
    assert len(lines(page("/audit?page=2"))) == 1
    assert "page 1 of 2" in page("/audit")


def test_only_admins_see_the_page_and_its_link(keyed):
    for role in ("read", "operate", "admin"):
        key = keyed.make(f"of {role}", role)["key"]
        assert keyed.call("GET", "/audit", key, headers=BROWSER).status_code == (200 if role == "admin" else 403)
        assert ('href="/audit"' in keyed.call("GET", "/", key, headers=BROWSER).get_data(as_text=True)) == (role == "admin")
