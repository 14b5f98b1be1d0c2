"""The rotation of keys: nothing is left on the old key, or the command says so, and nothing is changed that cannot be opened."""

from __future__ import annotations

import subprocess
import sys

import pytest
from cryptography.fernet import Fernet
from psycopg.types.json import Jsonb
from store_runs import Run, add_job, resources
from waiting import CAP

from api.app import create_app
from worker.config.secretbox import SecretBox
from worker.config.settings import load

OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))


@pytest.fixture
def rotate(database):
    def call(keys: str, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        environ = {"DATABASE_URL": database, "ELDER_SECRET_KEYS": keys}
        command = [sys.executable, "-m", "worker.cli", "secrets", "rotate", *arguments]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=CAP)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done

    return call


@pytest.fixture
def jobs(sql):
    """120 jobs whose secrets are sealed with the old key."""
    box = SecretBox([OLD])
    for number in range(120):
        job = add_job(sql, name=f"job {number}")
        config = {"access_key_id": box.seal("AKIA"), "secret_access_key": box.seal(f"secret {number}"), "regions": ["us-east-1"]}
        sql.execute("update discovery_jobs set config = %s where id = %s", [Jsonb(config), job])
    return 120


def opened(sql, *keys: str) -> list[str]:
    box = SecretBox(keys)
    return [box.open(config)["secret_access_key"] for (config,) in sql.execute("select config from discovery_jobs order by id").fetchall()]


def test_case_sec_1_every_secret_is_on_the_new_key_afterwards(rotate, jobs, sql):
    assert rotate(f"{NEW},{OLD}", "--dry-run").stdout.startswith("240 are left on older keys: do not drop these yet")
    assert opened(sql, OLD)[7] == "secret 7", "a dry run changes nothing"
    before = sql.execute("select id, updated_at, next_run_at, status from discovery_jobs order by id").fetchall()

    said = rotate(f"{NEW},{OLD}").stdout

    assert said == "240 secrets of 120 jobs are sealed with the first key now; none is left on older keys, which may be dropped\n"
    assert opened(sql, NEW) == [f"secret {number}" for number in range(jobs)]
    assert sql.execute("select id, updated_at, next_run_at, status from discovery_jobs order by id").fetchall() == before
    assert rotate(NEW).stdout.startswith("0 secrets of no job or webhook")


def test_case_sec_1_nothing_is_changed_while_a_secret_cannot_be_opened(rotate, jobs, sql):
    lost = SecretBox([OTHER]).seal("gone")
    sql.execute("update discovery_jobs set config = config || %s where id = 5", [Jsonb({"session_token": lost})])

    said = rotate(f"{NEW},{OLD}", code=1).stderr

    assert "nothing was changed: no key in ELDER_SECRET_KEYS opens the secrets of job 5 (job 4)" in said
    assert opened(sql, OLD, OTHER)[0] == "secret 0"
    assert "nothing was changed" in rotate(NEW, "--dry-run", code=1).stderr


def test_case_sec_1_a_job_that_is_read_and_put_back_is_on_the_new_key(database, sql):
    job = add_job(sql)
    config = {"access_key_id": SecretBox([OLD]).seal("AKIA"), "secret_access_key": SecretBox([OLD]).seal("s3cret")}
    sql.execute("update discovery_jobs set config = %s", [Jsonb(config)])
    app = create_app(load({"DATABASE_URL": database, "ELDER_SECRET_KEYS": f"{NEW},{OLD}"}))
    http = app.test_client()

    shown = http.get(f"/api/v1/discovery/jobs/{job}").json
    assert http.put(f"/api/v1/discovery/jobs/{job}", json={"config": shown["config"]}).status_code == 200

    assert opened(sql, NEW) == ["s3cret"]
    app.extensions["elder"].pool.close()


def test_case_sec_1_a_test_that_is_being_answered_is_rotated_too(rotate, sql):
    sql.execute(
        "insert into elder_worker.tests (provider, config) values ('aws', %s)", [Jsonb({"secret_access_key": SecretBox([OLD]).seal("x")})]
    )

    rotate(f"{NEW},{OLD}")

    (config,) = sql.execute("select config from elder_worker.tests").fetchone()
    assert SecretBox([NEW]).open(config) == {"secret_access_key": "x"}


def test_without_keys_or_a_database(rotate):
    assert "must be set" in rotate("", code=78).stderr


@pytest.fixture
def mask(database):
    def call(*arguments: str, **environ: str) -> str:
        command = [sys.executable, "-m", "worker.cli", "secrets", "mask", *arguments]
        done = subprocess.run(command, env={"DATABASE_URL": database, **environ}, capture_output=True, text=True, timeout=CAP)
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
        return done.stdout

    return call


def held(sql) -> str:
    return str([sql.execute(f"select {what}").fetchall() for what in ("attributes, tags from entities", "changes from entity_changes")])


def test_names_that_a_job_was_given_later_are_masked_in_what_was_stored_before(mask, database, sql):
    """The secret is in the entity, and in the history for as long as that is kept."""
    run = Run(database, add_job(sql))
    run.scope(resources(2))
    run.finish()
    sql.execute('update entities set attributes = \'{"LicenceCode": "canary", "zone": "a"}\'')
    sql.execute("insert into entity_changes (entity_id, operation, changes) select id, 'updated', '{\"attributes.LicenceCode\": [\"canary\", null]}' "
                "from entities")  # fmt: skip
    assert mask() == "0 entities, 0 entries of their history and 0 attributes that wait held what is masked now\n"
    sql.execute('update discovery_jobs set config = config || \'{"mask_names": ["licence"]}\'')

    assert mask("--dry-run") == "2 entities, 2 entries of their history and 0 attributes that wait hold what is to be masked\n"
    assert "canary" in held(sql), "a dry run changes nothing"
    assert mask() == "2 entities, 2 entries of their history and 0 attributes that wait held what is masked now\n"
    assert "canary" not in held(sql)
    assert "'zone': 'a'" in held(sql)
    assert sql.execute("select action, after from audit_log order by id desc").fetchone() == (
        "secrets masked", {"entities": 2, "changes": 2, "losses": 0},
    )  # fmt: skip


def test_the_names_of_a_connectors_setting_are_masked_in_what_its_scopes_own(mask, database, sql):
    run = Run(database, add_job(sql))
    run.scope(resources(1))
    run.finish()
    sql.execute('update entities set attributes = \'{"employeeCode": "canary"}\'')
    sql.execute("update elder_worker.scopes set owner = 'connector:ldap'")

    assert mask(OKTA_MASK_NAMES="employee-code").startswith("0 entities")
    assert mask(LDAP_MASK_NAMES="employee-code").startswith("1 entity, ")
    assert "canary" not in held(sql)
