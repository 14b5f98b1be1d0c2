"""A directory of 10,000 into the Elder API, by a worker that has no database; then again, with nothing to write."""

from __future__ import annotations

import pytest
from peers.service import get
from peers.slapd import USERS


@pytest.fixture
def worker(slapd, start_worker):
    environ = {
        "LDAP_ENABLED": "true",
        "LDAP_SERVER": "localhost",
        "LDAP_PORT": str(slapd.port),
        "LDAP_START_TLS": "true",
        "LDAP_CA_CERT": str(slapd.ca),
        "LDAP_BIND_DN": slapd.config()["bind_dn"],
        "LDAP_BIND_PASSWORD": slapd.config()["bind_password"],
        "LDAP_BASE_DN": slapd.config()["base_dn"],
        "LDAP_USER_FILTER": "(objectClass=inetOrgPerson)",
        "LDAP_SYNC_INTERVAL": "10",
        "SYNC_BATCH_SIZE": "1000",
    }
    return start_worker(**environ)


def test_ten_thousand_users_without_a_database_and_nothing_to_write_the_second_time(api, worker, sql):
    worker.wait(lambda: "sync completed" in worker.log.read_text(), "no sync was completed")
    status = worker.wait(lambda: (one := worker.connector("ldap"))["status"] == "completed" and one, "the status does not say so")
    assert status["entities"] == {"created": USERS + 1 + 3 + 4, "updated": 0, "unchanged": 0, "deleted": 0}
    metrics = get(f"{worker.url}/metrics")  # before the next sync
    assert get(f"{api.url}/api/v1/entities?entity_type=user")["total"] == USERS + 1
    assert get(f"{api.url}/api/v1/entities?sub_type=ldap_group")["total"] == 3
    names = {one["name"]: one for one in get(f"{api.url}/api/v1/organizations?per_page=100")["organizations"]}
    assert {"LDAP: localhost", "People", "Engineering", "Ops, EMEA"} <= set(names)
    assert names["Engineering"]["parent_id"] == names["People"]["id"]
    members = sql.execute(
        "select count(*) from dependencies d join entities g on g.id = d.target_id where g.name = 'big' and dependency_type = 'member_of'"
    ).fetchone()
    assert members == (5001,)
    assert 'connector_sync_total{connector="ldap",status="completed"} 1.0' in metrics
    assert f'connector_entities_synced_total{{connector="ldap",operation="created"}} {float(USERS + 8)}' in metrics

    before = sql.execute("select id, xmin::text from entities order by id").fetchall()
    status = worker.wait(
        lambda: (one := worker.connector("ldap"))["entities"]["unchanged"] == USERS + 8 and one, "there was no second sync"
    )
    assert status["entities"] == {"created": 0, "updated": 0, "unchanged": USERS + 8, "deleted": 0}
    assert sql.execute("select id, xmin::text from entities order by id").fetchall() == before
    assert "canary" not in worker.log.read_text() + api.log.read_text()
