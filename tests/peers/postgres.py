"""Real PostgreSQL: one server for the test run, a fresh migrated database for each test."""

from __future__ import annotations

import itertools
import os
import pathlib

import psycopg
import pytest
from peers.mortal import MORTAL

from worker.local.postgres import EmbeddedPostgres
from worker.store.migrate import migrate

_numbers = itertools.count()


def alive(pid: int) -> bool:
    return pathlib.Path(f"/proc/{pid}").exists()


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory):
    """A server without durability, gone without a trace at the end."""
    server = EmbeddedPostgres(
        tmp_path_factory.mktemp("postgres"), durable=False, settings=("max_connections=200", "max_wal_size=4GB"), within=MORTAL
    )
    server.start()
    pid = server.pid
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute("create database template_elder")
    migrate(server.url("template_elder"))
    yield server
    server.close()
    assert not alive(pid)


def _fresh(server: EmbeddedPostgres, template: str):
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"create database {name} template {template}")
        yield server.url(name)
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture
def database(postgres_server):
    """The URL of a migrated database of the test's own."""
    yield from _fresh(postgres_server, "template_elder")


@pytest.fixture(scope="module")
def module_database(postgres_server):
    """The URL of a migrated database that the tests of one module share."""
    yield from _fresh(postgres_server, "template_elder")


@pytest.fixture
def empty_database(postgres_server):
    """The URL of a database with nothing in it."""
    yield from _fresh(postgres_server, "template0")


@pytest.fixture
def sql(database):
    """A connection to the test's database, to look and to prepare."""
    with psycopg.connect(database, autocommit=True, prepare_threshold=None) as connection:
        yield connection


@pytest.fixture
def primary_and_standby(tmp_path):
    """(a migrated primary, its streaming hot standby): servers of the test's own, to stop and to promote."""
    primary = EmbeddedPostgres(tmp_path / "primary", durable=False, within=MORTAL)
    standby = EmbeddedPostgres(tmp_path / "standby", durable=False, within=MORTAL, password=primary.password)
    pids = []
    try:
        primary.start()
        pids.append(primary.pid)
        migrate(primary.url())
        (tmp_path / "standby").mkdir()
        options = ("--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync")
        primary._tool("pg_basebackup", "-D", tmp_path / "standby" / "data", "-d", primary.url(), *options)
        standby.start()
        pids.append(standby.pid)
        yield primary, standby
    finally:
        standby.close()
        primary.close()
        assert not [pid for pid in pids if alive(pid)]
