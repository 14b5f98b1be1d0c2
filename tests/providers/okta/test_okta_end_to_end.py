"""An Okta organization into the Elder API, by workers that have no database and remember nothing; the second has nothing to write."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from peers.okta import FORBIDDEN, ORGANIZATION, TOKEN
from peers.okta_service_app import CLIENT, KID, key_of
from peers.service import CAP, CHECK, ROOT, environment, get

PEOPLE, TEAMS, APPS = 40, 7, 4
ENTITIES = (PEOPLE + 1) + (TEAMS + 1) + APPS + 1 + 1


@pytest.fixture
def organization(okta):
    """Large enough for several pages of everything."""
    okta.page = 10
    people = [okta.user(f"user{n}@example.com", "DEPROVISIONED" if n % 4 == 0 else "ACTIVE") for n in range(PEOPLE)]
    okta.group("Everyone", *okta.users, kind="BUILT_IN")
    teams = [okta.group("Team", *people[n::TEAMS]) for n in range(TEAMS)]
    for n in range(APPS):
        okta.app(f"App {n}", (teams[n],), {people[n]: "USER"})
    okta.role(people[1], "READ_ONLY_ADMIN", "USER")
    return okta


@pytest.fixture
def synced(organization, start_worker):
    """One sync by a worker of its own: a function that gives what /status says of it, and what was logged."""

    def sync(status: str, **credentials: str) -> tuple[dict, str]:
        given = credentials or {"OKTA_API_TOKEN": TOKEN}
        worker = start_worker(OKTA_ENABLED="true", OKTA_DOMAIN=organization.url, OKTA_SYNC_INTERVAL="600", **given)
        ended = worker.wait(lambda: (one := worker.connector("okta"))["status"] not in ("never", "running") and one, "no sync ended")
        assert ended["status"] == status, ended
        worker.stop()
        return ended, worker.log.read_text()

    return sync


def test_an_organization_without_a_database_and_nothing_to_write_the_second_time(organization, api, synced, sql):
    status, said = synced("completed")
    assert "sync completed" in said
    assert status["entities"] == {"created": ENTITIES, "updated": 0, "unchanged": 0, "deleted": 0}
    [organization_row] = get(f"{api.url}/api/v1/organizations?per_page=100")["organizations"]
    assert organization_row["name"] == f"Okta: {organization.url.partition('://')[2]}"
    assert get(f"{api.url}/api/v1/entities?entity_type=user&sub_type=okta_user")["total"] == PEOPLE + 1
    assert get(f"{api.url}/api/v1/entities?sub_type=okta_group&q=Team")["total"] == TEAMS
    kinds = "select dependency_type, count(*), count(target_id) from dependencies group by 1 order by 1"
    memberships = PEOPLE + 1 + PEOPLE
    links = [("assigned_to", 2 * APPS, 2 * APPS), ("granted_to", 1, 1), ("has_role", 1, 1), ("member_of", memberships, memberships)]
    assert sql.execute(kinds).fetchall() == links

    before = sql.execute("select id, xmin::text from entities order by id").fetchall()
    status, said = synced("completed")
    assert status["entities"] == {"created": 0, "updated": 0, "unchanged": ENTITIES, "deleted": 0}
    assert sql.execute("select id, xmin::text from entities order by id").fetchall() == before

    organization.fault = lambda path, _query: FORBIDDEN if path.endswith("/users") and "/groups/" in path else None
    status, said = synced("partial")
    assert status["entities"]["deleted"] == 0
    assert sql.execute(kinds).fetchall() == links, "memberships were lost to a refusal"
    assert TOKEN not in said + json.dumps(status) + api.log.read_text()


def test_a_service_app_takes_the_place_of_a_token_and_writes_nothing_anew(organization, api, synced, sql, tmp_path):
    """The key comes from a file, and a proof of possession with each request; what the token has stored stays as it is."""
    organization.service_app.requires_dpop = True
    file = tmp_path / "okta-key.pem"
    file.write_text(organization.service_app.config["private_key"])
    synced("completed")
    before = sql.execute("select id, xmin::text from entities order by id").fetchall()
    status, said = synced("completed", OKTA_CLIENT_ID=CLIENT, OKTA_PRIVATE_KEY_FILE=str(file), OKTA_KEY_ID=KID)
    assert status["entities"] == {"created": 0, "updated": 0, "unchanged": ENTITIES, "deleted": 0}
    assert sql.execute("select id, xmin::text from entities order by id").fetchall() == before

    organization.service_app.granted.remove("okta.apps.read")
    status, more = synced("partial", OKTA_CLIENT_ID=CLIENT, OKTA_PRIVATE_KEY_FILE=str(file), OKTA_KEY_ID=KID)
    assert status["entities"]["deleted"] == 0
    told = said + more + json.dumps(status) + api.log.read_text()
    assert "the scope 'okta.apps.read' is not granted to the service app" in told
    for secret in (*file.read_text().splitlines()[1:-1], "canary-access-token", *organization.service_app.tokens):
        assert secret not in told


def test_the_connectivity_test_tells_a_service_app_and_what_it_lacks(organization):
    app = organization.service_app
    environ = {
        "OKTA_ENABLED": "true",
        "OKTA_DOMAIN": organization.url,
        "OKTA_CLIENT_ID": CLIENT,
        "OKTA_PRIVATE_KEY": app.config["private_key"],
    }
    line = _checked(environ)
    assert (line["success"], line["identity"]["name"]) == (True, CLIENT)
    assert line["identity"]["details"] == {"organization": ORGANIZATION}
    app.keys = {KID: key_of("another")}
    assert "OKTA_PRIVATE_KEY does not belong to the app's public key" in _checked(environ)["message"]


def _checked(environ: dict[str, str]) -> dict:
    """The line of `elder-worker check` about Okta."""
    done = subprocess.run(CHECK, env=environment(environ), cwd=ROOT, capture_output=True, text=True, timeout=3 * CAP, check=False)
    assert not [secret for name, secret in environ.items() if name.endswith(("KEY", "TOKEN")) and secret in done.stdout + done.stderr]
    [line] = [one for one in json.loads(done.stdout) if one["name"] == "Okta"]
    return line


@pytest.mark.parametrize(("token", "success"), [(TOKEN, True), ("wrong-token", False)])
def test_the_connectivity_test_signs_in(organization, token, success):
    line = _checked({"OKTA_ENABLED": "true", "OKTA_DOMAIN": organization.url, "OKTA_API_TOKEN": token})
    assert line["success"] is success
    if success:
        assert "admin@example.com" in line["identity"]["name"]
    else:
        assert "OKTA_API_TOKEN" in line["message"]


def test_the_command_line_shows_types_and_permissions():
    done = subprocess.run(
        [sys.executable, "-m", "worker.cli", "providers", "okta"],
        env=dict(os.environ),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    for word in (
        "connector",
        "api_token",
        "private_key",
        "secret",
        "okta_user",
        "okta_role_assignment",
        "okta.users.read",
        "okta.roles.read",
    ):
        assert word in done.stdout
