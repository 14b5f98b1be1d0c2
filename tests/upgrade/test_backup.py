"""A backup and its restoration with the commands of docs/operations.md: afterwards everything is there, opens, and the next reading changes nothing."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess

import psycopg
from peers.elder import KEY
from store_runs import claim, resources, run_once

from worker.config.secretbox import SecretBox
from worker.local.postgres import binaries
from worker.store.migrate import migrate

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECRET = "s3cret-canary"
TABLES = """
    select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('public', 'elder_worker') and c.relkind = 'r' and c.relpersistence = 'p' order by 1
"""


def documented(name: str) -> str:
    """The commands of that name in the docs."""
    text = (ROOT / "docs" / "operations.md").read_text()
    return re.search(rf"<!-- executed by tests/upgrade/test_backup.py: {name} -->\n```bash\n(.*?)```", text, re.DOTALL)[1]


def execute(name: str, folder: pathlib.Path, **variables: str) -> None:
    environ = {**os.environ, "PATH": f"{binaries()}{os.pathsep}{os.environ['PATH']}", **variables}
    done = subprocess.run(["sh", "-ec", documented(name)], cwd=folder, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def content(url: str) -> dict[str, tuple[int, str]]:
    """Table -> number of rows, and a digest of all of them."""
    with psycopg.connect(url) as connection:
        names = [name for (name,) in connection.execute(TABLES)]
        digest = "select count(*), coalesce(md5(string_agg(t::text, E'\\n' order by t::text)), '') from {} t"
        return {name: connection.execute(digest.format(name)).fetchone() for name in names}


def test_a_backup_is_restored_and_the_next_reading_changes_nothing(database, empty_database, elder_on, tmp_path):
    before = elder_on(database)
    home = before.post("organizations", {"name": "one"})["id"]
    job = before.job(
        organization_id=home, config={"access_key_id": "AKIAXXXXXXXXXXXXXXXX", "secret_access_key": SECRET, "regions": ["us-east-1"]}
    )["id"]
    key = before.post("keys", {"name": "of the backup", "role": "read"})
    run_once(database, job, resources(300))
    kept = content(database)
    assert kept["entities"][0] == 300
    assert kept["audit_log"][0] == 3

    execute("backup", tmp_path, DATABASE_URL=database)
    execute("restore", tmp_path, DATABASE_URL=empty_database)

    assert content(empty_database) == kept
    migrate(empty_database)
    assert content(empty_database) == kept, "the schema is whole, so there is nothing to bring up to date"

    after = elder_on(empty_database)
    with psycopg.connect(empty_database) as connection:
        [stored] = connection.execute("select config from discovery_jobs").fetchone()
    assert SecretBox([KEY]).open(stored)["secret_access_key"] == SECRET
    assert [one["id"] for one in after.get("keys")["keys"]] == [key["id"]]
    assert after.job(name="another")["id"] > job

    after.post(f"discovery/jobs/{job}/queue", status=202)
    run_once(empty_database, job, resources(300))
    [run] = after.get(f"discovery/jobs/{job}/history")["results"][-1:]
    assert (run["status"], run["entities_created"], run["entities_updated"], run["entities_deleted"]) == ("completed", 0, 0, 0)


def test_what_was_running_at_the_backup_is_due_again(database, empty_database, elder_on, tmp_path):
    job = elder_on(database).job()["id"]
    [claimed] = claim(database, job=job, ttl=3.0)

    execute("backup", tmp_path, DATABASE_URL=database)
    execute("restore", tmp_path, DATABASE_URL=empty_database)

    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute("update elder_worker.claims set expires_at = now() - interval '1 hour'")  # as if the hour had passed
    restored = elder_on(empty_database)
    [run] = restored.get(f"discovery/jobs/{job}/history")["results"]
    assert run["status"] == "error"
    assert run["error_kind"] == "lost"
    [again] = claim(empty_database, job=job)
    assert again.token > claimed.token
