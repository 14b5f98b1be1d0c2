"""Sessions of others: an admin lists them and ends those of a person, at once and with a line in the audit log."""

from __future__ import annotations

import subprocess
import sys

import pytest
from waiting import CAP

from worker.store import sessions
from worker.store.sessions import Person

ISSUER = "http://127.0.0.1:9"
PAGE = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}


@pytest.fixture
def api(oidc_api):
    return oidc_api(ISSUER)


@pytest.fixture
def signed_in(api, sql):
    """Signs a person in, and returns their browser."""
    numbers = iter(range(100))

    def made(subject: str, role: str = "read", issuer: str = ISSUER):
        _, cookie = sessions.add(sql, f"state {next(numbers)}", Person(issuer, subject, f"{subject} by name", role))
        http = api.app.test_client()
        http.set_cookie("elder_session", cookie)
        return http

    return made


def opened(http) -> int:
    """The status of a page: 303 leads to signing in."""
    return http.get("/entities", headers=PAGE).status_code


def listed(api, path: str = "sessions") -> list[str]:
    return [one["subject"] for one in api.call("GET", path).json["sessions"]]


def test_the_sessions_of_one_person_end_and_others_go_on(api, signed_in):
    ann, ann_at_home, bob = signed_in("ann"), signed_in("ann", "admin"), signed_in("bob")
    assert [opened(one) for one in (ann, ann_at_home, bob)] == [200, 200, 200]
    assert listed(api) == ["bob", "ann", "ann"]
    assert listed(api, "sessions?subject=ann") == ["ann", "ann"]
    found = api.call("GET", "sessions?subject=bob").json
    assert found["total"] == 1
    assert found["sessions"][0].keys() == {"id", "issuer", "subject", "name", "role", "created_at", "seen_at"}

    answer = api.call("DELETE", "sessions?subject=ann")
    assert (answer.status_code, answer.json) == (200, {"ended": 2})
    assert [opened(one) for one in (ann, ann_at_home, bob)] == [303, 303, 200]
    assert listed(api) == ["bob"]
    line = api.call("GET", "audit?action=sessions ended").json["audit"][0]
    assert (line["object"], [one["name"] for one in line["before"]]) == ("person ann", ["ann by name"] * 2)


def test_nobody_is_ended_by_an_unknown_subject_or_none(api, signed_in):
    bob = signed_in("bob")
    for query in ("?subject=nobody", "?subject=bo", "?subject=%25"):
        answer = api.call("DELETE", f"sessions{query}")
        assert answer.status_code == 404
        assert "there is no open session of the subject" in answer.get_data(as_text=True)
    assert api.call("DELETE", "sessions").status_code == 400
    assert opened(bob) == 200
    assert api.call("GET", "audit?action=sessions ended").json["audit"] == []


def test_only_sessions_that_may_be_used_are_listed(api, signed_in, sql):
    for subject in ("idle", "old", "out", "here"):
        signed_in(subject)
    sql.execute("update elder_worker.api_sessions set seen_at = now() - interval '1 hour 1 minute' where subject = 'idle'")
    sql.execute("update elder_worker.api_sessions set created_at = now() - interval '10 hours 1 minute' where subject = 'old'")
    sql.execute("update elder_worker.api_sessions set ended_at = now() where subject = 'out'")
    assert listed(api) == ["here"]


def test_an_admin_who_is_signed_in_ends_others_and_a_reader_does_not(api, signed_in):
    admin, reader, other = signed_in("root", "admin"), signed_in("reader"), signed_in("other", "operate")
    headers = {"Sec-Fetch-Site": "same-origin"}
    for one in (reader, other):
        assert one.get("/api/v1/sessions", headers=headers).status_code == 403
        assert one.delete("/api/v1/sessions?subject=root", headers=headers).status_code == 403
    assert admin.delete("/api/v1/sessions?subject=other", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert admin.delete("/api/v1/sessions?subject=other", headers=headers).status_code == 200
    assert [opened(one) for one in (admin, other)] == [200, 303]
    line = api.call("GET", "audit?action=sessions ended").json["audit"][0]
    assert line["actor"] == f"oidc:root by name (root at {ISSUER})"


def test_the_command_lists_and_ends_them(api, signed_in, database):
    ann, bob = signed_in("ann"), signed_in("bob")

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        environ = {"USER": "wilma", "DATABASE_URL": database}
        words = [sys.executable, "-m", "worker.cli", "sessions", *arguments]
        return subprocess.run(words, env=environ, capture_output=True, text=True, timeout=CAP)

    shown = command("list")
    assert shown.returncode == 0, shown.stderr
    assert [line.split()[0] for line in shown.stdout.splitlines()] == ["bob", "ann", "2"]
    ended = command("end", "ann")
    assert ended.stdout == "1 session of ann by name (ann) ended\n", ended.stderr
    assert [opened(one) for one in (ann, bob)] == [303, 200]
    again = command("end", "ann")
    assert again.returncode != 0
    assert "no session of the subject 'ann' is open: see `elder-worker sessions list`" in again.stderr
    assert api.call("GET", "audit?action=sessions ended").json["audit"][0]["actor"] == "cli:wilma"
