"""The embedded PostgreSQL: every connection needs the password of this start, which is in no file, argument or environment."""

from __future__ import annotations

import hashlib
import os
import pathlib

import psycopg
import pytest
from peers.mortal import MORTAL
from peers.port import free_port
from third_party import install
from waiting import CAP, until

from providers.hostile.intrusions import INTRUSIONS, holds
from worker.local.everything import Everything
from worker.local.postgres import EmbeddedError, EmbeddedPostgres


@pytest.fixture
def server(tmp_path):
    one = EmbeddedPostgres(tmp_path / "postgres", durable=False, within=MORTAL)
    yield one
    one.close()


def refusal(server: EmbeddedPostgres, password: str) -> str:
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect(f"postgresql://elder{password}@/elder?host={server.socket}")
    return str(caught.value)


def test_a_connection_needs_the_password_of_this_start(server, tmp_path):
    server.start()
    with psycopg.connect(server.url()) as connection:
        assert connection.execute("select current_user").fetchone() == ("elder",)
    assert "no password supplied" in refusal(server, "")
    assert "password authentication failed" in refusal(server, ":elder")
    before = server.password
    server.close()

    second = EmbeddedPostgres(tmp_path / "postgres", durable=False, within=MORTAL)
    second.start()
    try:
        assert second.password != before
        assert "password authentication failed" in refusal(second, f":{before}")
    finally:
        second.close()


def test_a_folder_that_another_one_uses_is_told_and_left_alone(server, tmp_path):
    server.start()
    second = EmbeddedPostgres(tmp_path / "postgres", durable=False, within=MORTAL)
    try:
        with pytest.raises(EmbeddedError, match="postgres is in use by another `elder-worker up`: stop that one"):
            second.start()
    finally:
        second.close()
    with psycopg.connect(server.url()) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_the_password_is_in_no_file(server, tmp_path):
    server.start()
    digest = hashlib.sha256(server.password.encode()).hexdigest()
    (tmp_path / "control").write_text(f"x {server.password} y")
    assert [path.name for path in tmp_path.rglob("*") if holds(path, digest)] == ["control"]


def test_case_sec_8_a_data_folder_that_trusted_every_process_is_upgraded(server):
    """The folder of an earlier version: its data are kept, and whoever knows no password is refused."""
    server.start()
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("create table kept (number integer)")
        connection.execute("alter role elder password null")
    server.stop()
    rules = pathlib.Path(server._folder / "data" / "pg_hba.conf")
    rules.write_text("local all all trust\nlocal replication all trust\n")

    server.start()

    assert "no password supplied" in refusal(server, "")
    with psycopg.connect(server.url()) as connection:
        assert connection.execute("select count(*) from kept").fetchone() == (0,)


@pytest.fixture
def everything(tmp_path):
    path = install(tmp_path / "site", {"hostile": "providers.hostile:Hostile"})
    ports = {"ELDER_API_PORT": str(free_port()), "HEALTH_CHECK_PORT": str(free_port())}
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": path, "DATABASE_URL": "postgresql://elsewhere/x"}
    one = Everything(tmp_path / "data", environ | ports, lambda _: None)
    try:
        one.start()
        yield one
    finally:
        one.close()


@pytest.mark.timeout(180)
def test_case_sec_8_a_job_opens_the_database_of_up_and_is_refused(everything):
    """It finds the socket and is asked for a password, which it finds nowhere."""
    digest = hashlib.sha256(everything._postgres.password.encode()).hexdigest()
    job = everything.call(
        "POST",
        "/api/v1/discovery/jobs",
        {
            "name": "burglar",
            "provider": "hostile",
            "config": {"behaviour": "intrude", "target": str(everything._postgres.socket), "digest": digest},
        },
    )
    log = everything.logs / "worker.log"

    until(lambda: log.read_text().count("told intrude ") >= len(INTRUSIONS) or _ended(everything, job["id"]), "it tried", cap=CAP * 3)

    told = [line.partition("told intrude ")[2] for line in log.read_text().splitlines() if "told intrude " in line]
    assert len(told) == len(INTRUSIONS), log.read_text()[-2000:]
    assert "open_the_database_socket: refused PermissionError: the server answers 10" in told
    assert "find_what_is_hidden: refused" in told


def test_no_environment_or_argument_of_up_holds_the_password(everything):
    """Not of the API, the worker or the server; this test is root here, and may look."""
    digest = hashlib.sha256(everything._postgres.password.encode()).hexdigest()
    pids = [child.process.pid for child in everything.children] + [everything._postgres.pid]
    for pid in pids:
        assert pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        for name in ("environ", "cmdline"):
            assert not holds(pathlib.Path(f"/proc/{pid}/{name}"), digest), (pid, name)


def _ended(everything: Everything, job: int) -> bool:
    history = everything.call("GET", f"/api/v1/discovery/jobs/{job}/history?limit=1")
    return bool(history["total"]) and history["results"][0]["status"] != "running"
