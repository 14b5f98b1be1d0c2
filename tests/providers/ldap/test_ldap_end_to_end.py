"""A directory of 10,000 into the Elder API, by a worker that has no database; then again, with nothing to write; settings that change."""

from __future__ import annotations

import contextlib

import pytest
from peers.service import get
from peers.slapd import BASE, PASSWORD, READER, USERS
from scraped_writer import ScrapedWriter
from store_syncs import OWNER, StoreApi
from waiting import until

from providers import registry
from providers.runner import run
from worker.store import held, tombstones
from worker.store.connection import connect


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


# --- dir-5: a filter and a server's name that change


class Changing:
    """The connector of one directory by a writer that starts anew with each change of its settings, as a worker does."""

    def __init__(self, database: str, connection, port: int) -> None:
        self._database, self.connection, self._port = database, connection, port

    def sync(self, **settings: str) -> dict[str, int]:
        """One whole sync; returns what it wrote. The source is opened with the typed settings, and its frames go to the writer."""
        environ = {
            "LDAP_ENABLED": "true",
            "LDAP_SERVER": "localhost",
            "LDAP_PORT": str(self._port),
            "LDAP_USE_SSL": "false",
            "LDAP_BIND_DN": READER,
            "LDAP_BIND_PASSWORD": PASSWORD,
            "LDAP_BASE_DN": BASE,
            "LDAP_USER_FILTER": "(objectClass=inetOrgPerson)",
            "ELDER_API_URL": "http://127.0.0.1:1",
            "SYNC_ON_STARTUP": "false",
            **settings,
        }
        one = ScrapedWriter(self._database, **environ)
        try:
            one.writer.__dict__["_api"] = StoreApi(self.connection)
            scheduler = one.writer._connectors
            [connector] = scheduler._schedule
            until(lambda: connector.next_at is not None, "the connector has a time")
            connector.next_at = 0.0
            one.offer(connector=1)
            [start] = one.started()

            def job(sink) -> None:
                ldap = registry.get("ldap")
                with contextlib.closing(registry.opened(ldap, one.writer._settings.sources["ldap"].connector, {})) as source:
                    run(source, sink)
                sink.complete()

            one.play(start, job)
            last = until(
                lambda: (
                    (said := next(one for one in scheduler.report() if one["name"] == "ldap"))["status"] not in ("never", "running")
                    and said
                ),
                "the sync has ended",
            )
            assert last["status"] == "completed", last
            return last["entities"]
        finally:
            one.close()


@pytest.fixture
def changing(database, serve):
    """The connector of a directory with 60 users."""
    with connect(database) as connection:
        yield Changing(database, connection, serve(users=60).port)


def _scopes(sql) -> list[tuple]:
    return sql.execute("select id, account, resource_type, coverage, state from elder_worker.scopes order by id").fetchall()


def _users(sql) -> set[str]:
    return {name for (name,) in sql.execute("select name from entities where is_active and sub_type = 'ldap_user'")}


@pytest.mark.parametrize(
    ("narrowed", "kept", "held_back"),
    [
        ("(&(objectClass=inetOrgPerson)(!(uid=user9)))", {n for n in range(60) if n != 9}, False),
        ("(uid=user1*)", {1, *range(10, 20)}, True),
    ],
    ids=["few go", "many are held back"],
)
def test_case_dir_5_a_narrowed_filter_and_another_server_name_leave_no_ghosts(changing, sql, narrowed, kept, held_back):
    """Users outside the narrowed filter are tombstoned, or held back by name until they are released; another server name changes no row."""
    everybody = {f"User {n}" for n in range(60)}
    left = {f"User {n}" for n in kept}
    assert changing.sync()["created"] == 60 + 1 + 2
    scopes = _scopes(sql)
    assert {state for *_, state in scopes} == {"current"}

    done = changing.sync(LDAP_USER_FILTER=narrowed)
    named = {one["entity"] for one in held.page(changing.connection, 1, 1000, owner=OWNER)[0] if one["kind"] == "entity"}
    assert (done["created"], done["deleted"]) == (0, 0 if held_back else len(everybody - left))
    assert named == (everybody - left if held_back else set())
    assert _users(sql) == left | named
    assert _scopes(sql) == scopes

    rows = sql.execute("select id, xmin::text from entities order by id").fetchall()
    organizations = sql.execute("select count(*) from organizations").fetchone()
    done = changing.sync(LDAP_USER_FILTER=narrowed, LDAP_SERVER="127.0.0.1")
    assert (done["created"], done["updated"], done["deleted"]) == (0, 0, 0)
    assert sql.execute("select id, xmin::text from entities order by id").fetchall() == rows
    assert sql.execute("select count(*) from organizations").fetchone() == organizations
    assert _scopes(sql) == scopes

    tombstones.release_connector(changing.connection, OWNER)
    assert _users(sql) == left, "nobody is left for ever"
