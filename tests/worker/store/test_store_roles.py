"""Workers and the API as a role that may read and write rows and nothing else, and on a database that only reads."""

from __future__ import annotations

import re
import uuid

import msgspec
import psycopg
import pytest
from peers.service import ROOT
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from store_runs import Link, Run, add_job, resources, run_once

from worker.run.queue import Unreachable
from worker.store import app_role, migrate
from worker.store.connection import connect
from worker.store.errors import Misconfigured
from worker.store.queue import PostgresQueue

BY_HAND = re.compile(r"<!-- executed by tests/worker/store/test_store_roles.py: role -->\n```sql\n(.*?)```", re.DOTALL)


@pytest.fixture(params=["by the command", "by hand"])
def role(database, sql, request):
    """The URL of the test's database for a role as `elder-worker migrate --app-role` makes it, twice over, or as docs/operations.md does."""
    name = f"app_{uuid.uuid4().hex[:8]}"
    given = conninfo_to_dict(database)
    if request.param == "by hand":
        sql.execute(by_hand(given, name))
    else:
        for password in ("an-older-one", given["password"]):
            app_role.grant(sql, name, password)
    yield make_conninfo(**{**given, "user": name})
    sql.execute(f"drop owned by {name}; drop role {name}")


def by_hand(given: dict[str, str], name: str) -> str:
    """The statements of the page, with the names of this database, its owner and the role."""
    statements = BY_HAND.search((ROOT / "docs" / "operations.md").read_text())[1]
    for documented, ours in (("elder_app", name), ("database elder ", f'database "{given["dbname"]}" '), ("elder_owner", given["user"])):
        assert documented in statements
        statements = statements.replace(documented, ours)
    return statements.replace("'...'", f"'{given['password']}'")


def test_case_eng_11_a_role_that_writes_rows_only_is_enough_where_the_schema_is_current(role, database, sql):
    queue = PostgresQueue(role, str(uuid.uuid4()), "test", 30.0)
    assert queue.schema == migrate.version()
    queue.renew([])
    queue.sweep()
    queue.close()

    job = add_job(sql)
    linked = [msgspec.structs.replace(one, links=(Link("in_vpc", "vpc"),)) for one in resources(60)]
    for found in (linked, resources(60, state="stopped"), resources(50)):
        run = Run(database, job, through=role)
        run.scope(found)
        run.finish()

    assert sql.execute("select status, count(*) from discovery_history group by 1").fetchall() == [("completed", 3)]
    assert sql.execute("select count(*) from entities where is_active").fetchone() == (50,)
    assert sql.execute("select held_links from run_scopes order by run_id").fetchall() == [(0,), (60,), (50,)]


def test_case_eng_11_the_api_needs_no_more_either(role, database, sql, elder_on):
    sql.execute("insert into organizations (id, name) values (1, 'one')")
    elder = elder_on(role)
    job = elder.job()["id"]
    elder.post(f"discovery/jobs/{job}/queue", status=202)
    run_once(database, job, resources(40))
    run_once(database, job, [])
    run = elder.get(f"discovery/jobs/{job}/history")["results"][-1]["id"]
    assert elder.post(f"runs/{run}/release", status=200)["released"] == 40
    assert elder.get("changes")["total"] == 80
    elder.delete(f"discovery/jobs/{job}")


def test_case_eng_11_a_role_that_may_not_migrate_is_told_what_is_missing_and_what_to_do(role, monkeypatch):
    ours = migrate.migrations()
    monkeypatch.setattr(migrate, "migrations", lambda: {**ours, "9999_more": "create table more (id bigint)"})

    with pytest.raises(
        Unreachable, match=r"lacks 1 migration from 9999_more on, and the role 'app_\w+' may not .* as the role that owns the schema"
    ):
        PostgresQueue(role, str(uuid.uuid4()), "test", 30.0)


def test_case_eng_13_jobs_and_runs_are_read_on_a_read_only_database(database, sql, elder_on):
    job = add_job(sql)
    run_once(database, job, resources(3))
    name = sql.info.dbname
    sql.execute(f"alter database {name} set default_transaction_read_only = on")

    elder = elder_on(database)
    assert elder.get(f"discovery/jobs/{job}")["status"] == "completed"
    assert elder.get("discovery/jobs")["total"] == 1
    run = elder.get(f"discovery/jobs/{job}/history")["results"][0]["id"]
    assert elder.get(f"runs/{run}")["status"] == "completed"
    assert elder.get(f"runs/{run}/held")["total"] == 0
    read = ("entities", "entities?q=tag:a%3Db", "changes", "scopes", "organizations", "connectors", "audit", "webhooks")
    assert {path: elder.call("GET", f"/api/v1/{path}").status_code for path in read} == dict.fromkeys(read, 200)
    pages = (
        "/",
        f"/jobs/{job}",
        f"/runs/{run}",
        "/changes",
        "/entities",
        "/scopes",
        "/connectors",
        "/audit",
        "/keys",
        "/workers",
        "/organizations",
    )
    for page in pages:
        assert elder.call("GET", page).status_code == 200, page
    assert "read-only" in elder.post(f"discovery/jobs/{job}/queue", status=503)["error"]


def test_case_eng_13_jobs_are_read_on_a_replica(primary_and_standby, elder_on):
    primary, standby = primary_and_standby
    with psycopg.connect(primary.url(), autocommit=True) as here, psycopg.connect(standby.url(), autocommit=True) as there:
        job = add_job(here)
        position = here.execute("select pg_current_wal_insert_lsn()").fetchone()[0]
        while not there.execute("select pg_last_wal_replay_lsn() >= %s", [position]).fetchone()[0]:
            pass

    elder = elder_on(standby.url())
    assert elder.get("discovery/jobs")["jobs"][0]["id"] == job
    assert elder.get(f"discovery/jobs/{job}/history")["total"] == 0


def test_a_current_schema_is_not_written(database, sql):
    before = sql.execute("select xmin::text, name from elder_worker.migrations order by name").fetchall()
    with connect(database) as connection:
        migrate.migrate_on(connection)

    assert sql.execute("select xmin::text, name from elder_worker.migrations order by name").fetchall() == before


def test_the_role_reads_and_writes_tables_that_come_later_and_makes_none(role, sql):
    sql.execute("create table later (id bigint generated always as identity, name text)")
    with psycopg.connect(role, autocommit=True) as connection:
        connection.execute("insert into later (name) values ('x')")
        assert connection.execute("delete from later returning name").fetchall() == [("x",)]
        for refused in ("create table mine (id int)", "drop table later", "truncate entities", "create role another"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(refused)


def test_the_password_does_not_go_to_the_server_in_clear(role, sql):
    name = conninfo_to_dict(role)["user"]
    assert sql.execute("select rolpassword from pg_authid where rolname = %s", [name]).fetchone()[0].startswith("SCRAM-SHA-256$")


def test_the_owner_is_no_such_role(database, sql):
    with pytest.raises(Misconfigured, match="is the role that owns the schema"):
        app_role.grant(sql, conninfo_to_dict(database)["user"], "x")
