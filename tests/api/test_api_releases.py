"""Releases that are undone, by the API, on the pages and by the command `elder`, each with its line in the audit log."""

from __future__ import annotations

import msgspec
import pytest
from store_runs import add_job, resources, run_once

from providers.records import Resource

BROWSER = {"Accept": "text/html"}
PEOPLE = [Resource(f"user-{n}", "user", "ldap_user", f"User {n}", {}, organization="dc=x") for n in range(40)]


@pytest.fixture
def run(elder, database, sql) -> int:
    """A run whose 60 held-back entities were released; returns its id."""
    job = add_job(sql)
    run_once(database, job, resources(60))
    run_once(database, job, [])
    number = int(sql.execute("select max(id) from discovery_history").fetchone()[0])
    assert elder.post(f"runs/{number}/release", status=200)["released"] == 60
    return number


@pytest.fixture
def connector(elder, sql) -> str:
    """A connector whose 40 held-back entities were released; returns its name."""
    scope = {"owner": "connector:ldap", "run": "1", "scope": ["ldap", "dc=x", "", "ldap_user"]}
    elder.post("sync/runs", {"owner": "connector:ldap", "run": "1", "status": "running"}, 200)
    elder.post("sync/batch", {**scope, "organizations": [["dc=x", "LDAP: x"]], "resources": msgspec.to_builtins(PEOPLE)}, 200)
    elder.post("sync/scopes", {**scope, "outcome": "complete", "resources": 40}, 200)
    elder.post("sync/runs", {"owner": "connector:ldap", "run": "1", "status": "completed"}, 200)
    sql.execute("insert into elder_worker.held (scope_id, entity_id) select scope_id, id from entities")
    assert elder.post("sync/release", {"owner": "connector:ldap"}, 200)["released"] == 40
    return "ldap"


def test_by_the_api_with_a_line_in_the_audit_log(elder, run):
    [release] = elder.get(f"releases?run_id={run}")["releases"]
    assert (release["released_by"], release["entities"], release["undone_at"]) == ("local", 60, None)
    assert elder.get("releases?owner=job:999")["total"] == 0

    undone = elder.post(f"releases/{release['id']}/undo", status=200)

    counts = {"entities": 60, "links": 0, "attributes": 0}
    assert undone == {"release_id": release["id"], "owner": release["owner"], "run_id": run, **counts}
    assert elder.get("entities")["total"] == 60
    assert elder.get(f"runs/{run}/held")["total"] == 60
    assert elder.get(f"runs/{run}")["entities_deleted"] == 0
    assert elder.get(f"runs/{run}")["scopes"][0]["held_back"] == 60
    assert elder.get(f"releases?run_id={run}")["releases"][0]["undone_by"] == "local"
    [line] = elder.get("audit?action=release%20undone")["audit"]
    assert (line["object"], line["after"]["entities"]) == (f"run {run}", 60)
    assert f"release {release['id']} was undone already" in elder.post(f"releases/{release['id']}/undo", status=409)["error"]
    assert elder.post("releases/999/undo", status=404)["error"] == "there is no release 999 of the last 30 days"


@pytest.mark.parametrize("whose", ["run", "connector"])
def test_on_the_page_of_the_run_or_connector(elder, whose, request):
    path = f"/{whose}s/{request.getfixturevalue(whose)}"
    shown = elder.call("GET", path, headers=BROWSER).get_data(as_text=True)
    assert "entities</b> held back before were released as deleted" in shown.replace("\n", "")
    number = elder.get("releases")["releases"][0]["id"]
    assert f'action="/releases/{number}/undo"' in shown

    answer = elder.call("POST", f"/releases/{number}/undo", headers=BROWSER)

    assert (answer.status_code, answer.headers["Location"]) == (303, path)
    again = elder.call("GET", path, headers=BROWSER).get_data(as_text=True)
    assert "were not found any more" in again
    assert "were released and are restored" in again
    assert f'action="/releases/{number}/undo"' not in again


def test_by_the_command(elder_command, elder, run):
    assert elder_command("runs", "release", str(run), "--undo", code=2).stderr.endswith("nobody has said yes: --yes answers\n")

    done = elder_command("runs", "release", str(run), "--undo", "--yes")

    assert done.stdout.startswith("60 entities are restored; 0 links and 0 attributes are put back; they are held back again")
    assert elder.get("entities")["total"] == 60
    again = elder_command("runs", "release", str(run), "--undo", "--yes", code=6)
    assert again.stderr == f"elder: there is no release of run {run} to undo: it can be undone for 30 days\n"


def test_by_the_command_for_a_connector(elder_command, elder, connector):
    assert "40 entities are restored" in elder_command("connectors", "release", connector, "--undo", "--yes").stdout
    assert elder.get("entities")["total"] == 40
    assert elder.get("sync/held?owner=connector:ldap")["total"] == 40
