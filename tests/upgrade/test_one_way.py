"""The step from release 07e0fda is one-way: its own code refuses the schema of today, and `migrate` says so when it takes the step."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest
from peers.port import free_port
from upgrading import unpack

from worker.store import migrate

COMMAND = pathlib.Path(sys.executable).with_name("elder-worker")
CALL = "import sys; from worker.store.migrate import migrate; print(migrate(sys.argv[1]))"


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    return unpack(tmp_path_factory.mktemp("release"))


def by_release(release, database: str) -> subprocess.CompletedProcess:
    """Brings a schema up to date by the code of 07e0fda, as its worker does at each connection."""
    environ = {**os.environ, "PYTHONPATH": str(release)}
    return subprocess.run([sys.executable, "-c", CALL, database], env=environ, cwd=release, capture_output=True, text=True, timeout=60)


def test_case_eng_12_the_code_of_07e0fda_refuses_the_schema_of_today(database, release):
    done = by_release(release, database)
    assert done.returncode == 1
    newest = list(migrate.migrations())[-1]
    assert f"the database has the schema of a newer version ({newest}), this one knows up to 0009_swept_runs: upgrade it" in done.stderr


def test_case_eng_12_migrate_says_that_the_step_from_07e0fda_is_one_way(empty_database, release, log_lines):
    assert by_release(release, empty_database).stdout.strip() == "0009"
    migrate.migrate(empty_database)
    migrate.migrate(empty_database)
    [line] = log_lines
    assert line["log_level"] == "warning"
    assert line["event"].startswith("the schema was upgraded one way, by 0010_scope_owners, ")
    assert line["event"].endswith("workers and APIs of the release before refuse it from now on")


def test_case_eng_12_a_new_database_has_no_release_before(empty_database, log_lines):
    migrate.migrate(empty_database)
    assert log_lines == []


def test_case_eng_12_an_api_that_does_not_work_with_the_schema_does_not_start(database, sql):
    """Requests would be answered from tables that it misreads."""
    sql.execute("insert into elder_worker.migrations (name, checksum) values ('9999_future', 'x')")
    environ = {"PATH": os.environ["PATH"], "DATABASE_URL": database, "ELDER_API_PORT": str(free_port())}
    done = subprocess.run([COMMAND, "api"], env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 78
    assert "the schema of a newer version (9999_future)" in done.stderr + done.stdout
