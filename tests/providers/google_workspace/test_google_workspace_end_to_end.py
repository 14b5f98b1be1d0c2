"""A customer into the Elder API, by a worker that has no database; then again, with nothing to write; then with a group that fails."""

from __future__ import annotations

import json
import subprocess

import pytest
from peers import google_refusals as refusals
from peers.google_customer import ADMIN, PEOPLE
from peers.service import CAP, CHECK, ROOT, environment, get

ENTITIES = 3 + (PEOPLE + 4) + 7 + 5 + 4 + 2
MEMBERSHIPS = "select s.name, d.target_external_id from dependencies d join entities s on s.id = d.source_id where dependency_type = 'member_of' order by 1, 2"


@pytest.fixture
def settings(google, customer, tmp_path):
    """As in the quick start, but against the contract server."""
    key = tmp_path / "workspace-credentials.json"
    key.write_text(json.dumps(google.key()))
    return {
        "GOOGLE_WORKSPACE_ENABLED": "true",
        "GOOGLE_WORKSPACE_CREDENTIALS_PATH": str(key),
        "GOOGLE_WORKSPACE_ADMIN_EMAIL": ADMIN,
        "GOOGLE_WORKSPACE_CUSTOMER_ID": "my_customer",
        "GOOGLE_WORKSPACE_SYNC_INTERVAL": "3600",
        "LOG_LEVEL": "DEBUG",  # where secrets would show first
        **google.operator,
    }


def private_lines(google) -> list[str]:
    return [line for line in google.key()["private_key"].splitlines() if len(line) > 20 and "-----" not in line]


@pytest.fixture
def synced(settings, start_worker):
    """One sync by a worker that remembers nothing: a function that gives what /status says of it, and what was logged."""

    def sync(status: str) -> tuple[dict, str]:
        worker = start_worker(**settings)
        ended = worker.wait(
            lambda: (one := worker.connector("google_workspace"))["status"] not in ("never", "running") and one, "no sync ended"
        )
        assert ended["status"] == status, ended
        worker.stop()
        return ended, worker.log.read_text() + json.dumps(ended)

    return sync


def test_a_customer_without_a_database_and_nothing_to_write_the_second_time(google, customer, api, synced, sql):
    status, said = synced("completed")
    assert "sync completed" in said
    assert status["entities"] == {"created": ENTITIES, "updated": 0, "unchanged": 0, "deleted": 0}
    names = {one["name"]: one for one in get(f"{api.url}/api/v1/organizations?per_page=100")["organizations"]}
    assert set(names) == {"Google Workspace", "Sales", "EMEA", "Ops & more"}
    assert names["EMEA"]["parent_id"] == names["Sales"]["id"]
    assert names["Sales"]["parent_id"] == names["Google Workspace"]["id"]
    assert get(f"{api.url}/api/v1/entities?entity_type=user")["total"] == PEOPLE + 4
    memberships = sql.execute(MEMBERSHIPS).fetchall()
    assert ("p1@example.com", "g-emea") in memberships
    assert ("Emea", "g-sales") in memberships

    before = sql.execute("select id, xmin::text from entities order by id").fetchall()
    status, again = synced("completed")
    assert status["entities"] == {"created": 0, "updated": 0, "unchanged": ENTITIES, "deleted": 0}
    assert sql.execute("select id, xmin::text from entities order by id").fetchall() == before

    with google.failing(refusals.denied(), lambda call: call.path.get("groupKey") == "g-emea"):
        status, partly = synced("completed")  # with a note on the group
    assert status["entities"]["deleted"] == 0
    assert sql.execute(MEMBERSHIPS).fetchall() == memberships, "a group that could not be read took a membership away"

    stored = str(sql.execute("select * from entities").fetchall())
    everything = said + again + partly + api.log.read_text() + stored
    assert not [line for line in private_lines(google) if line in everything]
    assert "ya29.canary" not in everything


def test_the_connectivity_test_says_who_acts_or_what_is_wrong(google, customer, settings):
    def check() -> dict:
        done = subprocess.run(CHECK, env=environment(settings), cwd=ROOT, capture_output=True, text=True, timeout=3 * CAP)
        assert not [line for line in private_lines(google) if line in done.stdout + done.stderr]
        return next(one for one in json.loads(done.stdout) if one["name"] == "Google Workspace")

    answer = check()
    assert answer["success"] is True
    assert answer["identity"]["name"] == ADMIN
    with google.failing(refusals.INVALID_GRANT, "token"):
        answer = check()
    assert answer["success"] is False
    assert "make a new one" in answer["message"]
