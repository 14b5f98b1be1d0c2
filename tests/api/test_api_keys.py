"""Keys of the API: each role at every route, making, rotating, revoking and expiring them, and what wrong keys meet."""

from __future__ import annotations

import datetime as dt
import re
import uuid

import psycopg
import pytest
from peers.elder import FIRST, KeyedApi, routes, served, settings

from api.access import HEALTH
from api.app import create_app
from api.attempts import RIGHT_FOR, WINDOW, WRONG_AT_MOST, Attempts
from providers.records import Scope
from worker.store import keys
from worker.sync.client import ApiError as SyncError
from worker.sync.client import ElderApi
from worker.sync.messages import Batch, ConnectorState, ScopeClosed, ScopeOpened, SyncRun, WorkerConnectors

FOR_WORKERS = "a-key-that-workers-have"
ROLES = ("read", "operate", "admin", "sync")


def test_every_route_has_a_decision_and_only_health_has_none(keyed):
    undecided = {path for _, path, name in routes(keyed.app) if name not in keyed.context.roles}

    assert undecided == set(HEALTH)
    assert len(keyed.context.roles) > 50


def test_decisions_follow_what_a_route_does(keyed):
    for method, path, name in routes(keyed.app):
        role = keyed.context.roles.get(name)
        if re.match(r"/api/v1/(keys|audit)", path):
            assert role == "admin", path
        elif method != "GET" and path not in HEALTH:
            assert role in ("operate", "admin", "sync"), f"{method} {path} changes something"
        assert (role == "sync") <= path.startswith("/api/v1/sync/"), path


def test_each_role_at_every_route(keyed):
    made = {role: keyed.make(f"the {role} one", role)["key"] for role in ROLES}
    allowed = {"read": {"read", "operate", "admin"}, "operate": {"operate", "admin"}, "admin": {"admin"}, "sync": {"sync", "admin"}}
    found = list(routes(keyed.app))
    assert len(found) > 50
    for method, path, name in found:
        if path in HEALTH:
            assert keyed.call(method, path, None).status_code == 200
            continue
        assert keyed.call(method, path, None).status_code == 401, (method, path)
        for role, key in made.items():
            response = keyed.call(method, path, key)
            if role in allowed[keyed.context.roles[name]]:
                assert response.status_code not in (401, 403, 500), (role, method, path, response.get_data(as_text=True))
            else:
                assert response.status_code == 403, (role, method, path, response.status_code)
                assert f"the {role} one has '{role}'" in response.get_data(as_text=True).replace("&#39;", "'")


def test_a_route_without_a_decision_is_refused(keyed):
    keyed.app._got_first_request = False
    keyed.app.add_url_rule("/api/v1/new", "new", lambda: "secret")

    response = keyed.call("GET", "new")

    assert (response.status_code, "no role is named" in response.json["error"]) == (403, True)


def test_a_sync_key_does_what_a_connector_does(keyed):
    key = keyed.make("ldap", "sync")["key"]
    body = {"owner": "connector:ldap", "run": "r1", "status": "running"}

    assert keyed.call("POST", "sync/runs", key, json=body).status_code == 200
    assert keyed.status(key, "sync/fingerprints?owner=connector:ldap&provider=ldap") == 200
    assert keyed.status(key, "entities") == 403
    assert keyed.call("POST", "sync/release", key, json={"owner": "connector:ldap"}).status_code == 403, "releases are a person's"


def test_every_call_of_a_worker_takes_the_key_of_the_settings_for_workers_and_only_a_release_does_not(database):
    """The calls are those of the worker's own client: one that is new has to be tried here."""
    app = create_app(settings(database, ELDER_API_KEY=FIRST, ELDER_SYNC_KEY=FOR_WORKERS))
    try:
        with served(app) as url:
            client = ElderApi(url, FOR_WORKERS, retries=0)
            scope, owner = Scope("ldap", "", "", ""), "connector:ldap"
            calls = {
                "fingerprints": lambda: client.fingerprints(owner, scope),
                "begin_scope": lambda: client.begin_scope(ScopeOpened(owner, "r1", scope)),
                "store": lambda: client.store(Batch(owner, "r1", scope, [], [])),
                "close_scope": lambda: client.close_scope(ScopeClosed(owner, "r1", scope, "complete", 0)),
                "put_run": lambda: client.put_run(SyncRun(owner, "r1", "completed")),
                "report": lambda: client.report(WorkerConnectors(uuid.uuid4(), "one", [ConnectorState("ldap")])),
                "check": client.check,
            }
            assert calls.keys() == {name for name in vars(ElderApi) if not name.startswith("_")} - {"release", "close"}
            for call in calls.values():
                call()
            with pytest.raises(SyncError, match="this needs a key with the role 'operate', and ELDER_SYNC_KEY has 'sync'"):
                client.release(owner)
            client.close()
        [line] = KeyedApi(app).call("GET", "audit?actor=ELDER_SYNC_KEY").json["audit"]
        assert (line["action"], line["role"]) == ("connector synced", "sync")
    finally:
        app.extensions["elder"].pool.close()


@pytest.mark.parametrize("given", [FOR_WORKERS[:-1], FOR_WORKERS + "x", "", FOR_WORKERS.upper()])
def test_what_is_not_quite_the_key_for_workers_is_refused(database, given):
    app = create_app(settings(database, ELDER_API_KEY=FIRST, ELDER_SYNC_KEY=FOR_WORKERS))
    assert KeyedApi(app).status(given, "sync/fingerprints?owner=connector:ldap&provider=ldap") == 401
    app.extensions["elder"].pool.close()


def test_a_key_is_shown_once_and_stored_as_a_hash(keyed, sql):
    made = keyed.make("ci", "read")

    assert re.fullmatch(r"elder_[\w-]{43}", made["key"])
    assert made["prefix"] == made["key"][:12]
    listed = keyed.call("GET", "keys").get_data(as_text=True)
    assert made["key"] not in listed
    rows = str(sql.execute("select k::text, (select string_agg(a::text, ' ') from audit_log a) from elder_worker.api_keys k").fetchall())
    assert made["key"] not in rows
    assert made["key"][12:] not in rows


def test_revoked_at_once(keyed):
    made = keyed.make("ci", "read")
    assert keyed.status(made["key"]) == 200

    assert keyed.call("DELETE", f"keys/{made['id']}").json["revoked_at"]

    assert keyed.status(made["key"]) == 401
    assert keyed.call("DELETE", f"keys/{made['id']}").status_code == 404
    assert keyed.call("POST", f"keys/{made['id']}/rotate", json={}).status_code == 404
    assert keyed.make("ci", "read")["id"] != made["id"], "the name is free again"


def test_rotated_without_and_with_a_grace(keyed, sql):
    made = keyed.make("ci", "operate")
    second = keyed.call("POST", f"keys/{made['id']}/rotate", json={}).json
    assert (keyed.status(made["key"]), keyed.status(second["key"])) == (401, 200)

    third = keyed.call("POST", f"keys/{made['id']}/rotate", json={"grace_seconds": 3600}).json
    assert third["previous_until"]
    assert (keyed.status(second["key"]), keyed.status(third["key"])) == (200, 200)

    sql.execute("update elder_worker.api_keys set previous_until = now() - interval '1 second'")
    assert (keyed.status(second["key"]), keyed.status(third["key"])) == (401, 200)


def test_expired(keyed, sql):
    made = keyed.make("ci", "read", expires_in_days=1)
    assert dt.datetime.fromisoformat(made["expires_at"]) > dt.datetime.now(dt.UTC) + dt.timedelta(hours=23)
    assert keyed.status(made["key"]) == 200

    sql.execute("update elder_worker.api_keys set expires_at = now() - interval '1 second'")

    assert keyed.status(made["key"]) == 401


def test_the_last_use_is_shown_to_the_minute_and_written_once_a_minute(keyed, sql):
    made = keyed.make("ci", "read")
    assert made["last_used_at"] is None

    keyed.status(made["key"])
    first = sql.execute("select last_used_at, xmin::text from elder_worker.api_keys").fetchone()
    keyed.status(made["key"])

    assert sql.execute("select last_used_at, xmin::text from elder_worker.api_keys").fetchone() == first
    shown = dt.datetime.fromisoformat(keyed.call("GET", "keys").json["keys"][0]["last_used_at"])
    assert shown == first[0].replace(second=0, microsecond=0)


def test_a_key_is_taken_on_a_database_that_is_read_only(keyed, database, postgres_server):
    made = keyed.make("ci", "read")
    name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as admin:
        admin.execute(f'alter database "{name}" set default_transaction_read_only = on')
        admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name])

    assert keyed.status(made["key"]) == 200


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"name": "x"}, "`role` is missing"),
        ({"name": "x", "role": "root"}, "`role`"),
        ({"name": " ", "role": "read"}, "`name` has 1 to 100 printable characters"),
        ({"name": "a\nb", "role": "read"}, "`name` has 1 to 100 printable characters"),
        ({"name": "x" * 101, "role": "read"}, "`name` has 1 to 100"),
        ({"name": "x", "role": "read", "expires_in_days": 0}, "`expires_in_days` is from 1"),
        ({"name": "x", "role": "read", "key": "mine"}, "unknown field `key`"),
    ],
)
def test_what_is_wrong_with_a_new_key(keyed, body, sentence):
    response = keyed.call("POST", "keys", json=body)

    assert (response.status_code, sentence in " ".join(response.json["details"])) == (400, True), response.json


def test_two_keys_of_one_name(keyed):
    keyed.make("ci", "read")

    response = keyed.call("POST", "keys", json={"name": "ci", "role": "admin"})

    assert (response.status_code, "a key named 'ci' is in use" in response.json["error"]) == (409, True)


@pytest.mark.parametrize("wrong", ["elder_", "elder_" + "x" * 43, "Elder_x", "\\x00", "' or 1=1 --", "x" * 7000])
def test_keys_that_were_never_made(keyed, wrong):
    assert keyed.status(wrong) == 401


def test_wrong_keys_are_slowed_down_and_logged_and_right_ones_of_the_address_go_on(keyed, caplog):
    made = keyed.make("ci", "read")
    assert [keyed.status(f"wrong-{number}") for number in range(WRONG_AT_MOST)] == [401] * WRONG_AT_MOST

    response = keyed.call("GET", "organizations", made["key"])

    assert (response.status_code, "too many wrong keys" in response.json["error"]) == (429, True)
    assert 0 < int(response.headers["Retry-After"]) <= WINDOW
    assert keyed.status(FIRST) == 200, "it was right at this address before"
    assert keyed.status(None) == 401, "a browser that asks which key is not counted"
    assert keyed.call("GET", "/healthz", None).status_code == 200
    assert keyed.call("GET", "organizations", made["key"], environ_overrides={"REMOTE_ADDR": "10.0.0.2"}).status_code == 200
    assert "a wrong key came from 127.0.0.1, 10 within a minute" in caplog.text
    assert "wrong-3" not in caplog.text, "a wrong key may be a right one elsewhere"


def test_attempts_are_forgotten_after_a_minute_and_bounded():
    now = [0.0]
    attempts = Attempts(lambda: now[0])
    for _ in range(WRONG_AT_MOST - 1):
        attempts.wrong("2001:db8::1")
    assert attempts.wait("2001:db8::1", "k") == 0

    attempts.wrong("2001:db8::2")
    assert attempts.wait("2001:db8::ffff", "k") == WINDOW, "a /64 is one customer's"
    assert attempts.wait("2001:db8:0:1::1", "k") == 0
    attempts.right("2001:db8::3", "k")
    assert attempts.wait("2001:db8::1", "k") == 0
    assert attempts.wait("2001:db8::1", "other") == WINDOW

    now[0] = WINDOW
    assert attempts.wait("2001:db8::1", "other") == 0
    now[0] = RIGHT_FOR
    for _ in range(WRONG_AT_MOST):
        attempts.wrong("2001:db8::1")
    assert attempts.wait("2001:db8::1", "k") == WINDOW, "an hour is over"
    for number in range(20_000):
        attempts.wrong(f"10.0.{number // 256}.{number % 256}")
    assert len(attempts._wrong) == 10_000


def test_on_loopback_a_key_gives_its_role_and_none_may_do_everything(elder_app, sql):
    api = KeyedApi(elder_app)
    reader = api.call("POST", "keys", None, json={"name": "r", "role": "read"}).json["key"]

    assert api.call("POST", "organizations", None, json={"name": "x"}).status_code == 201
    assert api.call("POST", "organizations", reader, json={"name": "y"}).status_code == 403
    assert api.call("POST", "organizations", "unknown", json={"name": "z"}).status_code == 201, "as a worker with a key that the API lacks"


def test_browsers_send_a_key_as_password(keyed):
    reader = keyed.make("r", "read")["key"]

    assert keyed.http.get("/entities", auth=("me", reader)).status_code == 200
    page = keyed.http.post("/jobs/1/queue", auth=("me", reader), headers={"Accept": "text/html"})
    assert (page.status_code, "role" in page.get_data(as_text=True)) == (403, True)


def test_the_database_finds_a_key_by_its_index(sql):
    sql.execute(
        "insert into elder_worker.api_keys (name, role, hash, prefix, created_by) "
        "select 'k' || n, 'read', sha256(n::text::bytea), 'elder_', 't' from generate_series(1, 5000) n"
    )
    sql.execute("analyze elder_worker.api_keys")
    _, key = keys.add(sql, "one", "read", by="t")

    plan = str(sql.execute("explain " + keys.statements.get("find_key").decode(), keys._hashes(key)).fetchall())

    assert "Seq Scan" not in plan, plan
    assert keys.find(sql, key).name == "one"
