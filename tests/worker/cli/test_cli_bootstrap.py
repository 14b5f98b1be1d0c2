"""The secrets of a Compose installation: made once, kept, and those of the environment taken as they are."""

from __future__ import annotations

import fcntl
import os
import pathlib
import stat
import subprocess
import sys
import tempfile

import pytest
from cryptography.fernet import Fernet
from psycopg.conninfo import conninfo_to_dict
from waiting import CAP, until

from worker.cli.main import main

NOBODY = 65534
OWNER = {"owner/password", "owner/app-password", "owner/database-url"}
APP = {"app/api-key", "app/sync-key", "app/secret-keys", "app/database-url"}
FILES = OWNER | APP | {"worker/api-key", "worker/secret-keys", "worker/database-url"}


@pytest.fixture
def bootstrap(tmp_path, monkeypatch, capsys):
    def call(code: int = 0, **environ: str) -> str:
        for name in ("POSTGRES_PASSWORD", "ELDER_API_KEY", "ELDER_SYNC_KEY", "ELDER_SECRET_KEYS"):
            monkeypatch.setenv(name, environ.get(name, ""))
        assert main(["bootstrap", str(tmp_path)]) == code
        said = capsys.readouterr()
        return said.err if code else said.out

    return call


def kept(folder) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_what_is_not_set_is_made_once_and_kept(bootstrap, tmp_path):
    assert bootstrap() == "made: owner/password, owner/app-password, app/api-key, app/sync-key, app/secret-keys\n"
    first = kept(tmp_path)
    assert set(first) == FILES
    Fernet(first["app/secret-keys"])
    assert len({first["owner/password"], first["owner/app-password"], first["app/api-key"], first["app/sync-key"]}) == 4
    assert all(len(first[name]) >= 32 for name in ("owner/password", "owner/app-password", "app/api-key", "app/sync-key"))
    assert bootstrap() == "every secret is there\n"
    assert kept(tmp_path) == first
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and stat.S_IMODE(path.stat().st_mode) != 0o444]


def test_what_the_environment_sets_is_taken(bootstrap, tmp_path):
    bootstrap(POSTGRES_PASSWORD="a/b:c@d %", ELDER_API_KEY="key", ELDER_SYNC_KEY="sync", ELDER_SECRET_KEYS="one,two")
    found = kept(tmp_path)
    assert (found["app/api-key"], found["app/sync-key"], found["app/secret-keys"]) == ("key", "sync", "one,two")
    owner, app = (conninfo_to_dict(found[f"{name}/database-url"]) for name in ("owner", "app"))
    assert (owner["user"], owner["password"], owner["host"], owner["dbname"]) == ("elder", "a/b:c@d %", "postgres", "elder")
    assert (app["user"], app["password"]) == ("elder_app", found["owner/app-password"])
    bootstrap(POSTGRES_PASSWORD="a/b:c@d %", ELDER_API_KEY="another")
    assert kept(tmp_path) == {**found, "app/api-key": "another"}, "what is set no more is kept"


def test_the_worker_gets_what_it_needs_and_not_the_admin_key(bootstrap, tmp_path):
    """Also in volumes that an installation of before has: their secrets stay, and what is new is made."""
    bootstrap()
    for name in (*FILES - OWNER - APP, "app/sync-key"):
        (tmp_path / name).unlink()
    before = kept(tmp_path)
    assert bootstrap() == "made: app/sync-key\n"
    found = kept(tmp_path)
    assert {name: found[name] for name in before} == before
    worker = {name.removeprefix("worker/"): value for name, value in found.items() if name.startswith("worker/")}
    assert worker == {"api-key": found["app/sync-key"], **{name: found[f"app/{name}"] for name in ("secret-keys", "database-url")}}
    assert found["app/api-key"] not in worker.values()


def test_a_password_that_postgresql_would_not_learn_of_is_refused(bootstrap, tmp_path):
    bootstrap()
    before = kept(tmp_path)
    said = bootstrap(code=1, POSTGRES_PASSWORD="another")
    assert "POSTGRES_PASSWORD is not the password that the database was made with: unset it, or change the role first" in said
    assert kept(tmp_path) == before


def test_what_a_killed_one_has_left_is_no_obstacle(capsys):
    """The container's root has no capability: a file that it may only read, it may not write either."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        left = pathlib.Path(folder, "owner", "password.new")
        left.parent.mkdir()
        left.write_text("half")
        left.chmod(0o444)
        for path in (pathlib.Path(folder), left.parent, left):
            os.chown(path, NOBODY if os.geteuid() == 0 else os.geteuid(), -1)
        mine = os.geteuid()
        try:
            if mine == 0:
                os.seteuid(NOBODY)
            assert main(["bootstrap", folder]) == 0, capsys.readouterr().err
        finally:
            os.seteuid(mine)
        assert not left.exists()


def test_a_folder_that_cannot_be_written_says_so(bootstrap, tmp_path):
    (tmp_path / "owner").write_text("a file")
    assert f"the secrets cannot be kept in {tmp_path}" in bootstrap(code=1)


def test_two_that_begin_at_the_same_moment_make_one_set_of_secrets(tmp_path):
    """Both wait for the folder, which the test holds, and go on at once when it lets go."""
    (tmp_path / "owner").mkdir()
    held = os.open(tmp_path / "owner", os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    command = [sys.executable, "-m", "worker.cli", "bootstrap", str(tmp_path)]
    both = [subprocess.Popen(command, env={}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        until(lambda: all(_waits_for_a_lock(one.pid) for one in both), "both wait")
        os.close(held)
        said = sorted(one.communicate(timeout=CAP)[0] for one in both)
    finally:
        for one in both:
            one.kill()
            one.communicate()
    assert [one.returncode for one in both] == [0, 0]
    assert said == ["every secret is there\n", "made: owner/password, owner/app-password, app/api-key, app/sync-key, app/secret-keys\n"]
    found = kept(tmp_path)
    assert set(found) == FILES
    for name, password in (("owner", "owner/password"), ("app", "owner/app-password")):
        assert conninfo_to_dict(found[f"{name}/database-url"])["password"] == found[password]


def _waits_for_a_lock(pid: int) -> bool:
    """True for a process that the kernel lists as waiting for a lock on a file."""
    lines = (line.split() for line in pathlib.Path("/proc/locks").read_text().splitlines())
    return any(line[1] == "->" and line[2] == "FLOCK" and line[5] == str(pid) for line in lines)
