"""An Authentik into the Elder API, by workers that have no database and remember nothing; the second has nothing to write."""

from __future__ import annotations

import json

import pytest
from peers.authentik import TOKEN
from peers.service import get

PEOPLE, TEAMS, ROLES, APPS = 40, 7, 4, 3
ENTITIES = PEOPLE + TEAMS + ROLES + APPS


@pytest.fixture
def installation(authentik_tls):
    """Large enough for several pages of everything, behind a certificate that nobody knows."""
    fake = authentik_tls
    fake.page = 10
    roles = [fake.role(f"Role {n}") for n in range(ROLES)]
    teams = [fake.group("Team 0")]
    teams += [fake.group(f"Team {n}", parents=(teams[0],), roles=(roles[0],)) for n in range(1, TEAMS)]
    for n in range(PEOPLE):
        fake.user(f"user{n}", groups=(teams[n % TEAMS],), roles=(roles[n % ROLES],))
    for n in range(APPS):
        fake.application(f"app-{n}")
    return fake


@pytest.fixture
def synced(installation, start_worker):
    """One sync by a worker of its own: a function that gives what /status says of it, and what was logged."""

    def sync(status: str) -> tuple[dict, str]:
        worker = start_worker(
            AUTHENTIK_ENABLED="true",
            AUTHENTIK_DOMAIN=installation.url.removeprefix("https://"),
            AUTHENTIK_API_TOKEN=TOKEN,
            AUTHENTIK_VERIFY_SSL="false",
            AUTHENTIK_SYNC_INTERVAL="600",
        )
        ended = worker.wait(lambda: (one := worker.connector("authentik"))["status"] not in ("never", "running") and one, "no sync ended")
        assert ended["status"] == status, ended
        worker.stop()
        return ended, worker.log.read_text()

    return sync


def test_an_installation_without_a_database_and_nothing_to_write_the_second_time(installation, api, synced, sql):
    status, said = synced("completed")
    assert "sync completed" in said
    assert status["entities"] == {"created": ENTITIES, "updated": 0, "unchanged": 0, "deleted": 0}
    [organization] = get(f"{api.url}/api/v1/organizations?per_page=100")["organizations"]
    assert organization["name"] == f"Authentik: {installation.url.partition('://')[2]}"
    assert get(f"{api.url}/api/v1/entities?entity_type=user&sub_type=authentik_user")["total"] == PEOPLE
    kinds = "select dependency_type, count(*), count(target_id) from dependencies group by 1 order by 1"
    links = [("has_role", PEOPLE + TEAMS - 1, PEOPLE + TEAMS - 1), ("member_of", PEOPLE + TEAMS - 1, PEOPLE + TEAMS - 1)]
    assert sql.execute(kinds).fetchall() == links

    before = sql.execute("select id, xmin::text from entities order by id").fetchall()
    status, said = synced("completed")
    assert status["entities"] == {"created": 0, "updated": 0, "unchanged": ENTITIES, "deleted": 0}
    assert sql.execute("select id, xmin::text from entities order by id").fetchall() == before

    installation.superuser, installation.visible = False, {"User1"}
    status, said = synced("partial")
    assert status["entities"]["deleted"] == 0
    assert get(f"{api.url}/api/v1/entities?sub_type=authentik_user&is_active=true")["total"] == PEOPLE, "what may not be seen is not gone"
    assert TOKEN not in said + json.dumps(status) + api.log.read_text()
