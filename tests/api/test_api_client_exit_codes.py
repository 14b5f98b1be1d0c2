"""Exit codes of `elder`: each group of docs/cli.md by commands that end so, and by none that is not there."""

from __future__ import annotations

import os
import pathlib
import re
import signal
import subprocess

import pytest
from command_runner import terminal
from peers.elder import COMMAND, FIRST
from store_runs import Run, add_job, resources, run_once
from waiting import CAP, until

from api.client.errors import EXIT_CODES
from providers.errors import Outcome
from worker.run.outcome import Status, Verdict

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "cli.md"


def test_the_page_has_each_code_and_no_other():
    section = PAGE.read_text().partition("## Exit codes")[2].partition("\n## ")[0]
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)] == list(EXIT_CODES)


@pytest.fixture
def ended(database, sql):
    """Ends a run of a new job with a verdict, and returns its id."""

    def end(status: Status, outcome: Outcome = Outcome.COMPLETE) -> str:
        run = Run(database, add_job(sql, name=str(status)))
        run.scope([], outcome=outcome)
        run.finish(Verdict(status, "", "" if status is Status.COMPLETED else "a sentence"))
        return str(run.claimed.run_id)

    return end


@pytest.mark.parametrize(
    ("status", "code"), [(Status.COMPLETED, 0), (Status.ERROR, 1), (Status.CANCELLED, 1), (Status.PARTIAL, 5)], ids=str
)
def test_of_a_run_that_is_watched(elder_command, ended, status, code):
    assert f" {status}: " in elder_command("runs", "watch", ended(status), code=code).stdout


def test_5_of_a_run_that_completed_and_has_deletions_held_back(elder_command, database, sql):
    job = add_job(sql)
    run_once(database, job, resources(60))
    assert elder_command("runs", "watch", "1").stderr == ""
    run_once(database, job, [])
    done = elder_command("runs", "watch", "2", code=5)
    assert done.stdout.startswith("run 2 completed: ")
    assert done.stderr == "60 deletions are held back: elder runs held 2\n"
    elder_command("runs", "release", "2", "--yes")
    elder_command("runs", "watch", "2")


@pytest.mark.parametrize(
    "arguments",
    [
        ("jobs", "lsit"),
        ("jobs", "get", "one"),
        ("jobs", "create", "x", "aws", "--config", "regoins=a"),
        ("jobs", "create", "x", "nonsense"),
        ("scopes", "list", "--not-complete-for", "soon"),
        ("runs", "get", "1", "--watch"),
        ("jobs", "delete", "1"),
        ("--url", "localhost:5000", "jobs", "list"),
    ],
    ids=" ".join,
)
def test_2_for_what_the_command_or_the_api_does_not_take(elder_command, elder, arguments):
    elder.job()
    elder_command(*arguments, code=2)
    assert elder.get("discovery/jobs")["total"] == 1


def test_2_for_a_proxy_in_the_environment_that_cannot_be_used(elder_command):
    refused = elder_command("--url", "http://elder.example.com", "jobs", "list", code=2, HTTP_PROXY="ftp://proxy")
    assert refused.stderr.startswith("elder: HTTP_PROXY is not a proxy that can be used")


def test_3_for_a_key_that_is_missing_wrong_or_may_not(elder_command, keyed, served_keyed):
    reader = keyed.make("reader", "read")["key"]
    for key, arguments in (("", ("orgs", "list")), ("nonsense", ("orgs", "list")), (reader, ("orgs", "create", "x"))):
        refused = elder_command(*arguments, code=3, ELDER_API_URL=served_keyed, ELDER_API_KEY=key)
        assert "ELDER_API_KEY" in refused.stderr
    elder_command("orgs", "create", "x", ELDER_API_URL=served_keyed, ELDER_API_KEY=FIRST)


def test_4_where_no_api_answers_or_it_cannot_now(elder_command, elder, receiver):
    assert "check --url" in elder_command("--url", "http://127.0.0.1:9", "jobs", "list", code=4).stderr
    assert "no worker is there" in elder_command("jobs", "test", str(elder.job()["id"]), code=4).stderr
    elder_command("--url", receiver.url, "jobs", "list", code=4)  # a server that is no Elder API


@pytest.mark.parametrize(
    "arguments",
    [
        ("jobs", "get", "99"),
        ("runs", "watch", "99"),
        ("entities", "get", "99"),
        ("connectors", "get", "okta"),
        ("webhooks", "get", "99"),
        ("orgs", "delete", "99", "--yes"),
        ("keys", "revoke", "nobody", "--yes"),
        ("runs", "release", "99", "--undo", "--yes"),
    ],
    ids=" ".join,
)
def test_6_for_what_is_not_there(elder_command, arguments):
    elder_command(*arguments, code=6)


def test_7_where_the_state_does_not_allow_it(elder_command, elder):
    job = str(elder.job(enabled=False)["id"])
    elder_command("jobs", "run", job, code=7)
    elder_command("keys", "make", "ci", "--role", "read")
    taken = elder_command("keys", "make", "ci", "--role", "read", code=7).stderr
    assert taken == "elder: a key named 'ci' is in use: revoke or rotate it, or choose another name\n"


def test_of_several_jobs_it_is_that_of_the_first_that_failed(elder_command, elder):
    disabled, other = (str(elder.job(name=name, enabled=name == "b")["id"]) for name in "ab")
    elder_command("jobs", "run", "99", disabled, other, code=6)
    elder_command("jobs", "run", other, disabled, "99", code=7)


def test_130_when_it_is_interrupted_and_the_run_goes_on(site, database, sql, tmp_path):
    run = Run(database, add_job(sql))
    person, program = terminal(80)
    environ = {**os.environ, "ELDER_API_URL": site, "HOME": str(tmp_path)}
    with subprocess.Popen([*COMMAND, "runs", "watch", "1"], env=environ, stdin=program, stdout=program, stderr=program) as running:
        os.close(program)
        said = b""

        def look() -> bool:
            nonlocal said
            said += os.read(person, 65_536)
            return b"run 1: " in said

        until(look, "it watches")
        running.send_signal(signal.SIGINT)
        assert running.wait(CAP) == 130
    assert b"Traceback" not in said + os.read(person, 65_536)
    os.close(person)
    assert sql.execute("select status from discovery_history").fetchone() == ("running",)
    run.finish()


def test_130_for_a_no(command_runner, site, elder, tmp_path):
    elder.job()
    environ = {"ELDER_API_URL": site, "HOME": str(tmp_path)}
    done = command_runner.run(["jobs", "delete", "1"], environ, columns=80)
    assert (done.code, done.stdout.splitlines()[-1]) == (130, "nothing is changed")
    assert command_runner.run(["jobs", "delete", "1"], environ, columns=80, typed="y\n").code == 0
    elder.get("discovery/jobs/1", 404)
