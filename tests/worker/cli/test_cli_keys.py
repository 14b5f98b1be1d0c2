"""`elder-worker keys`, and what commands that change the database leave in the audit log."""

from __future__ import annotations

import subprocess
import sys

import pytest
from peers.elder import settings
from store_runs import add_job
from waiting import CAP

from api.app import create_app

ENVIRON = {"USER": "wilma"}


@pytest.fixture
def command(database):
    def call(*arguments: str, code: int = 0) -> str:
        environ = {**ENVIRON, "DATABASE_URL": database}
        words = [sys.executable, "-m", "worker.cli", *arguments]
        done = subprocess.run(words, env=environ, capture_output=True, text=True, timeout=CAP)
        assert done.returncode == code, done.stderr
        return done.stderr if code else done.stdout

    return call


@pytest.fixture
def status(database):
    app = create_app(settings(database, ELDER_API_KEY="first-key-of-the-settings"))
    client = app.test_client()
    yield lambda key: client.get("/api/v1/organizations", headers={"Authorization": f"Bearer {key}"}).status_code
    app.extensions["elder"].pool.close()


def test_a_key_from_its_making_to_its_end(command, status, sql):
    key = command("keys", "make", "ci", "--role", "read", "--expires-in-days", "30").strip()
    assert status(key) == 200

    listed = command("keys", "list").splitlines()
    assert listed[0].split()[:3] == ["ci", "read", f"{key[:12]}..."]
    assert "last used never" not in listed[0]
    assert "expires 20" in listed[0]
    assert listed[-1] == "1 key"

    second = command("keys", "rotate", "ci", "--grace", "600").strip()
    assert (status(key), status(second)) == (200, 200)
    third = command("keys", "rotate", "ci").strip()
    assert (status(second), status(third)) == (401, 200)

    assert command("keys", "revoke", "ci") == "key ci is revoked\n"
    assert status(third) == 401
    assert "revoked 20" in command("keys", "list")
    log = str(sql.execute("select actor, action, object, before::text, after::text from audit_log order by id").fetchall())
    assert [row[0] for row in sql.execute("select action from audit_log order by id")] == [
        "key made", "key rotated", "key rotated", "key revoked",
    ]  # fmt: skip
    assert "cli:wilma" in log
    assert not any(one in log for one in (key, second, third))


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["make", "a\nb", "--role", "read"], 78, "NAME has 1 to 100 printable characters"),
        (["make", "x", "--role", "read", "--expires-in-days", "0"], 78, "--expires-in-days is 1 or more"),
        (["rotate", "x", "--grace", "-1"], 78, "--grace is 0 or more"),
        (["rotate", "x"], 1, "there is no key 'x' in use"),
        (["revoke", "x"], 1, "there is no key 'x' in use"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(command, arguments, code, sentence):
    said = command("keys", *arguments, code=code)

    assert sentence in said
    assert len(said.splitlines()) == 1


def test_two_keys_of_one_name(command):
    command("keys", "make", "ci", "--role", "read")

    assert "a key named 'ci' is in use" in command("keys", "make", "ci", "--role", "admin", code=1)


def test_commands_that_change_something_are_in_the_audit_log(command, sql):
    job = add_job(sql, status="parked")

    command("jobs", "unpark", str(job))
    command("jobs", "accept-identity", str(job))
    command("scopes", "retire", "--owner", "job:7", "--yes")
    command("jobs", "unpark", str(job), code=1)
    command("scopes", "list")

    assert sql.execute("select actor, action, object from audit_log order by id").fetchall() == [
        ("cli:wilma", "job unparked", f"job {job}"),
        ("cli:wilma", "identity accepted", f"job {job}"),
        ("cli:wilma", "scopes retired", "owner=job:7"),
    ]
