"""The command ``elder``: every command in a pipe and in a terminal, its exit codes, and what it sends where."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
import threading
from typing import get_args

import click
import pytest
from peers.elder import COMMAND
from store_runs import Run, add_job, resources, run_once
from waiting import CAP

from api.client import keys
from api.client.main import main
from providers.errors import Outcome
from providers.records import Scope
from worker.run.outcome import Status, Verdict
from worker.store.keys import Role

HOSTILE = '=HYPERLINK("http://evil")'


def test_keys_are_made_rotated_and_revoked_and_the_audit_log_says_by_whom(elder_command, elder):
    made = elder_command("keys", "make", "ci", "--role", "operate", "--expires-in-days", "90").stdout
    first = re.fullmatch(r"the key ci is made; shown this once: (\S+)\n", made)[1]
    second = json.loads(elder_command("-o", "json", "keys", "rotate", "ci", "--grace", "60").stdout)["key"]
    assert first != second
    [shown] = json.loads(elder_command("-o", "json", "keys", "list").stdout)
    assert (shown["name"], shown["role"], shown["revoked_at"]) == ("ci", "operate", None)
    assert first not in str(shown) and second not in str(shown)

    assert elder_command("keys", "revoke", "ci", code=2).stderr.endswith("nobody has said yes: --yes answers\n")
    assert elder_command("keys", "revoke", "ci", "--yes").stdout == "the key ci is revoked\n"
    assert elder_command("keys", "rotate", "ci", code=6).stderr == "elder: there is no key ci in use\n"
    assert elder_command("keys", "make", "ci", "--role", "root", code=2).stderr.count("'root' is not one of") == 1

    lines = json.loads(elder_command("-o", "json", "audit", "--since", "1h").stdout)
    assert [line["action"] for line in lines] == ["key revoked", "key rotated", "key made"]
    assert {line["actor"] for line in lines} == {"local"}
    assert len(elder_command("audit", "--action", "key made").stdout.splitlines()) == 2, "a heading, and one line"
    assert "No changes by a person." in elder_command("audit", "--actor", "key:nobody").stderr


def test_the_roles_of_keys_are_those_of_the_api():
    """The command names them by itself, as the store's own list would bring the database's driver along."""
    [role] = [one for one in keys.make.params if one.name == "role"]
    assert tuple(role.type.choices) == get_args(Role)


def test_no_sentence_is_cut_in_the_lists_of_commands():
    """A list of commands has a line for each of 80 columns, of which click takes the name and six blanks."""
    groups = [main, *(command for command in main.commands.values() if isinstance(command, click.Group))]
    for group in groups:
        room = 80 - 6 - max(map(len, group.commands))
        for name, command in group.commands.items():
            assert not command.get_short_help_str(room).endswith("..."), (group.name, name)


def test_every_command_has_help_and_says_what_it_does():
    def commands(group: click.Group, path: tuple[str, ...] = ()):
        for name, command in group.commands.items():
            yield (*path, name), command
            if isinstance(command, click.Group):
                yield from commands(command, (*path, name))

    found = dict(commands(main))
    assert len(found) >= 30
    assert all(command.help and command.help[0].isupper() for command in found.values())
    options = [(path, one) for path, command in found.items() for one in command.params if isinstance(one, click.Option)]
    assert not [(path, one.name) for path, one in options if not one.help]


def test_a_job_is_created_shown_changed_and_deleted(elder_command, elder, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("s3cret-canary\n")
    keys = (
        "--config",
        "access_key_id=AKIAXXXXXXXXXXXXXXXX",
        "--config",
        f"secret_access_key=@{secret}",
        "--config",
        "regions=us-east-1,eu-west-1",
    )
    made = elder_command("jobs", "create", "scan", "aws", *keys, "--every", "2h", "--description", "all of it")
    assert made.stdout == "job 1 is created and due now\n"

    shown = json.loads(elder_command("-o", "json", "jobs", "get", "1").stdout)
    assert (shown["schedule_interval"], shown["config"]["regions"]) == (7200, ["us-east-1", "eu-west-1"])
    assert shown["config"]["secret_access_key"] == "***REDACTED***"

    assert elder_command("jobs", "edit", "1", "--on-demand", "--disable", "--remove", "regions").stdout == "job 1 is changed\n"
    job = elder.get("discovery/jobs/1")
    assert (job["schedule_interval"], job["enabled"], "regions" in job["config"]) == (None, False, False)

    assert "is disabled" in elder_command("jobs", "run", "1", code=7).stderr
    assert elder_command("jobs", "delete", "1", code=2).stderr.endswith("nobody has said yes: --yes answers\n")
    assert elder_command("jobs", "delete", "1", "--yes").stdout == "Job deleted; what it found stays\n"
    assert elder_command("jobs", "get", "1", code=6).stderr == "elder: there is no job 1\n"


@pytest.mark.parametrize(
    ("arguments", "sentence", "code"),
    [
        (("jobs", "edit", "1"), "name what to change", 2),
        (("jobs", "create", "x", "aws", "--config", "regions"), "--config takes KEY=VALUE", 2),
        (("jobs", "create", "x", "aws", "--config", "secret_access_key=@/nowhere"), "/nowhere cannot be read", 2),
        (("jobs", "create", "x", "aws", "--config", "regoins=a"), "did you mean `regions`", 2),
        (("jobs", "create", "x", "nonsense"), "nonsense", 2),
        (("jobs", "create", "x", "aws", "--every", "soon"), "'soon' is not an interval", 2),
        (("scopes", "retire", "--yes"), "name what to retire", 2),
        (("scopes", "list", "--not-complete-for", "soon"), "`not_complete_for`", 2),
        (("runs", "get", "99"), "there is no run 99", 6),
        (("--url", "localhost:5000", "jobs", "list"), "is not a URL of an API", 2),
        (("--url", "http://127.0.0.1:9", "jobs", "list"), "check --url or ELDER_API_URL", 4),
    ],
)
def test_what_is_wrong_is_one_sentence_and_an_exit_code(elder_command, arguments, sentence, code):
    assert sentence in elder_command(*arguments, code=code).stderr


def test_lists_come_in_each_form(elder_command, database, sql):
    job = add_job(sql, name=HOSTILE)
    run_once(database, job, resources(5))

    table = elder_command("entities", "list", "--type", "ec2_instance").stdout.splitlines()
    whole = json.loads(elder_command("-o", "json", "entities", "list").stdout)
    lines = [json.loads(line) for line in elder_command("-o", "jsonl", "entities", "list", "--limit", "3").stdout.splitlines()]
    rows = list(csv.DictReader(io.StringIO(elder_command("-o", "csv", "jobs", "list").stdout)))

    assert table[0].split() == ["id", "sub_type", "name", "provider", "account", "region", "external_id"]
    assert len(table) == 6
    assert (len(whole), len(lines)) == (5, 3)
    assert "attributes" in whole[0]
    assert rows[0]["name"] == "'" + HOSTILE, "no spreadsheet takes a cell for a formula"
    assert elder_command("entities", "list", "--deleted").stdout == ""
    assert next(csv.DictReader(io.StringIO(elder_command("-o", "csv-raw", "jobs", "list").stdout)))["name"] == HOSTILE


def test_entities_are_searched_as_on_the_page(elder_command, database, sql):
    run_once(database, add_job(sql), resources(12))
    sql.execute("update entities set tags = '{\"team\": \"payments\"}' where name like '%1'")

    found = elder_command("-o", "jsonl", "entities", "list", "tag:team=payments", "type:ec2_instance").stdout.splitlines()

    assert sorted(json.loads(line)["name"][-1] for line in found) == ["1", "1"], "of twelve, the second and the last"
    exported = list(
        csv.DictReader(io.StringIO(elder_command("entities", "export", "tag:team=payments", "--fields", "id,name,tags").stdout))
    )
    assert [json.loads(one["tags"]) for one in exported] == [{"team": "payments"}] * 2
    lines = elder_command("entities", "export", "--format", "jsonl", "--sort", "-name").stdout.splitlines()
    assert len(lines) == 12
    assert {"id", "attributes", "tags"} <= json.loads(lines[0]).keys()
    assert "there is no field `tags`" in elder_command("entities", "list", "tags:team", code=2).stderr


def test_more_than_a_page_is_read_to_its_end(elder_command, database, sql):
    run_once(database, add_job(sql), resources(1203))

    assert len(elder_command("-o", "jsonl", "entities", "list").stdout.splitlines()) == 1203
    head, *rows = elder_command("entities", "list").stdout.splitlines()
    assert (len(rows), head in rows) == (1203, False), "the head once"
    assert {row.index("us-east-1") for row in rows} == {head.index("region")}, "every row under the same head"


def test_a_run_is_shown_by_its_causes_and_watched_to_its_end(elder_command, database, sql):
    job = add_job(sql)
    run = Run(database, job)
    for number in range(12):
        scope = Scope("aws", "111", "eu-south-1", f"type_{number}")
        run.scope([], scope, Outcome.DENIED, message="eu-south-1 is closed by a policy", permission="ec2:DescribeVpcs")
    number = str(run.claimed.run_id)
    ended = threading.Thread(target=lambda: run.finish(Verdict(Status.PARTIAL, "", "12 scopes were denied")))

    ended.start()
    watched = elder_command("runs", "watch", number, code=5).stdout
    ended.join()
    shown = elder_command("runs", "get", number).stdout

    assert watched == f"run {number} partial: 12 scopes denied; 0 discovered, 0 created, 0 updated, 0 deleted: 12 scopes were denied\n"
    assert re.search(r"12\s+denied\s+ec2:DescribeVpcs\s+eu-south-1 is closed by a policy", shown)


def test_the_newest_run_is_waited_for(elder_command, elder, database, sql):
    """`jobs run --wait` follows the run that it asked for, and not the one before it."""
    job = add_job(sql)
    run_once(database, job, resources(3))
    asked = threading.Event()

    def worker() -> None:
        asked.wait(CAP)
        run_once(database, job, resources(4))

    thread = threading.Thread(target=worker)
    thread.start()
    queued = elder.app.view_functions["POST /api/v1/discovery/jobs/<id:job_id>/queue"]

    def queue(**path):
        answer = queued(**path)
        asked.set()
        return answer

    elder.app.view_functions["POST /api/v1/discovery/jobs/<id:job_id>/queue"] = queue
    said = elder_command("jobs", "run", str(job), "--wait").stdout
    thread.join()

    assert said.splitlines()[0] == "Job queued for worker execution"
    assert "completed: 1 scope complete; 4 discovered, 1 created" in said.splitlines()[1]


def test_connectors_scopes_and_changes(elder_command, elder, database, sql):
    scope = {"owner": "connector:ldap", "run": "1", "scope": ["ldap", "dc=x", "", "ldap_user"]}
    elder.post("sync/runs", {"owner": "connector:ldap", "run": "1", "status": "running"}, 200)
    elder.post("sync/scopes", {**scope, "outcome": "complete", "resources": 0}, 200)
    elder.post("sync/runs", {"owner": "connector:ldap", "run": "1", "status": "completed"}, 200)
    job = add_job(sql)
    run_once(database, job, resources(3))
    elder.delete(f"discovery/jobs/{job}")

    assert "completed" in elder_command("connectors", "list").stdout
    assert json.loads(elder_command("-o", "json", "connectors", "get", "ldap").stdout)["latest"]["run"] == "1"
    assert "completed" in elder_command("connectors", "history", "ldap").stdout
    assert elder_command("connectors", "held", "ldap").stdout == ""
    assert elder_command("connectors", "release", "ldap", "--yes").stdout.startswith("0 entities are marked as deleted")
    assert "created" in elder_command("changes", "--operation", "created").stdout
    assert f"job:{job}" in elder_command("scopes", "list", "--state", "abandoned").stdout
    asked = elder_command("scopes", "retire", "--owner", f"job:{job}", code=2).stderr
    assert asked.startswith("Retire 1 abandoned scope? 3 entities are marked as deleted (3 ec2_instance). [y/N]:")
    assert (
        elder_command("scopes", "retire", "--owner", f"job:{job}", "--yes").stdout
        == "1 scope is retired; 3 entities are marked as deleted\n"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("jobs", "list"), "No jobs."),
        (("entities", "list", "nothing-like-it"), "No entities."),
        (("changes",), "No changes."),
        (("orgs", "list"), "No organizations."),
        (("scopes", "list"), "No scopes."),
        (("webhooks", "list"), "No webhooks."),
        (("connectors", "held", "ldap"), "No deletions held back."),
    ],
    ids=lambda found: " ".join(found) if isinstance(found, tuple) else "",
)
def test_an_empty_table_is_a_sentence_on_stderr_and_nothing_for_a_pipe(elder_command, arguments, sentence):
    table = elder_command(*arguments)
    assert (table.stdout, table.stderr) == ("", f"{sentence}\n")
    for form, empty in (("json", "[]\n"), ("jsonl", ""), ("yaml", "[]\n")):
        found = elder_command("-o", form, *arguments)
        assert (found.stdout, found.stderr) == (empty, "")
    listed = elder_command("-o", "csv", *arguments)
    assert (len(listed.stdout.splitlines()), listed.stderr) == (1, ""), "the head alone"


def test_organizations_are_created_and_listed(elder_command):
    assert elder_command("orgs", "create", "Head office").stdout == "organization 1 is created\n"
    assert elder_command("orgs", "create", "Branch", "--parent", "1").stdout == "organization 2 is created\n"
    assert elder_command("orgs", "list", "-q", "bran").stdout.split()[-3:] == ["2", "1", "Branch"]


def test_a_key_in_the_config_file_goes_to_the_url_of_the_file_only(elder_command, elder_app, site, tmp_path):
    given = []

    @elder_app.before_request
    def note() -> None:
        from flask import request

        given.append(request.headers.get("Authorization"))

    file = tmp_path / "config.toml"
    file.write_text(f'url = "{site}"\nkey = "k-from-file"\n')
    file.chmod(0o600)
    elder_command("jobs", "list", ELDER_CONFIG=str(file), ELDER_API_URL="")
    elder_command("jobs", "list", ELDER_CONFIG=str(file), ELDER_API_URL=site.replace("127.0.0.1", "localhost"))
    elder_command("jobs", "list", ELDER_CONFIG=str(file), ELDER_API_KEY="k-from-environment")

    assert given == ["Bearer k-from-file", None, "Bearer k-from-environment"]
    file.chmod(0o644)
    assert "chmod 600" in elder_command("jobs", "list", ELDER_CONFIG=str(file), code=2).stderr
    file.write_text("key = 7\n")
    assert "cannot be used" in elder_command("jobs", "list", ELDER_CONFIG=str(file), code=2).stderr


def test_on_a_terminal_a_row_is_one_line_that_fits(site, database, sql, tmp_path):
    job = add_job(sql, name="a job with a very long name " * 6)
    run_once(database, job, resources(2))
    parent, child = pty.openpty()
    environ = {**os.environ, "ELDER_API_URL": site, "COLUMNS": "100", "HOME": str(tmp_path)}
    with subprocess.Popen([*COMMAND, "jobs", "list"], env=environ, stdin=child, stdout=child, stderr=child) as running:
        os.close(child)
        seen = b""
        try:
            while piece := os.read(parent, 65536):
                seen += piece
        except OSError:  # the other end is closed
            pass
        assert running.wait(CAP) == 0
    os.close(parent)
    lines = re.sub(r"\x1b\[\d+m", "", seen.decode()).splitlines()

    assert len(lines) == 2
    assert max(map(len, lines)) <= 100
    assert "…" in lines[1]


def test_a_reader_that_leaves_is_no_error_worth_a_traceback(site, database, sql, tmp_path):
    run_once(database, add_job(sql), resources(2000))
    environ = {**os.environ, "ELDER_API_URL": site, "HOME": str(tmp_path)}
    command = " ".join(f"'{part}'" for part in [*COMMAND[:2], COMMAND[2].replace("'", '"')])
    done = subprocess.run(
        ["bash", "-c", f"{command} -o jsonl entities list | head -1"], env=environ, capture_output=True, text=True, timeout=CAP
    )

    assert len(done.stdout.splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_bash_completes_commands_and_options(tmp_path):
    """By the script that `elder completion bash` prints, run by a real bash."""
    script = subprocess.run([*COMMAND, "completion", "bash"], capture_output=True, text=True, timeout=CAP, check=True).stdout
    program = tmp_path / "elder"
    program.write_text(f"#!{sys.executable}\nfrom api.client.main import main\nmain(prog_name='elder')\n")
    program.chmod(0o755)
    ask = 'COMP_WORDS=(elder jobs c); COMP_CWORD=2; _elder_completion elder; printf "%s\\n" "${COMPREPLY[@]}"'
    environ = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": os.getcwd()}
    done = subprocess.run(["bash", "-c", f"{script}\n{ask}"], env=environ, capture_output=True, text=True, timeout=CAP)

    assert set(done.stdout.split()) == {"create", "cancel"}, done.stderr
