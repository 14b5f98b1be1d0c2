"""Failures of a source never damage the inventory: group F of the fault catalogue, with whole workers and a real database."""

from __future__ import annotations

import subprocess
import sys

import pytest
from psycopg.types.json import Jsonb
from waiting import until

from providers.errors import Outcome
from providers.registry import install_command

REGIONS = [f"r{number:02}" for number in range(20)]


def change(workbench, job, **config):
    """Changes the job's config and queues the job."""
    workbench.sql.execute("update discovery_jobs set config = config || %s where id = %s", [Jsonb(config), job])
    workbench.queue(job)


def rows(workbench, region):
    """Every row of a region, down to the version that PostgreSQL keeps."""
    return workbench.rows("select id, xmin::text, external_id, is_active, attributes from entities where region = %s order by id", region)


def command(workbench, *words):
    return subprocess.run(
        [sys.executable, "-m", "worker.cli", *map(str, words)],
        env={"DATABASE_URL": workbench.url},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [("deny", Outcome.DENIED), ("throttle", Outcome.THROTTLED), ("time_out", Outcome.TIMEOUT), ("bad_answer", Outcome.ERROR)],
)
def test_f01_one_region_of_twenty_fails(workbench, behaviour, outcome):
    """Two entities vanish from each region; the rows of the region that fails stay untouched."""
    workbench.worker()
    job = workbench.job(regions=REGIONS, resources=30)
    workbench.ended(job)
    before = rows(workbench, "r07")
    change(workbench, job, behaviour=behaviour, misbehave_in="r07", resources=28)
    run = workbench.ended(job, 2)

    assert (run["status"], run["entities_deleted"]) == ("partial", 2 * 19)
    assert "1 of 20 scopes was not read in full" in run["error"]
    assert workbench.scopes(run)["r07"]["outcome"] == outcome
    assert rows(workbench, "r07") == before
    assert workbench.entities() == 28 * 19 + 30


def test_f02_an_empty_success_deletes_nothing_until_a_person_says_so(workbench):
    workbench.worker()
    job = workbench.job(resources=60)
    workbench.ended(job)
    change(workbench, job, behaviour="empty")
    run = workbench.ended(job, 2)

    assert (run["status"], run["entities_discovered"], run["entities_deleted"]) == ("completed", 0, 0)
    assert "60 entities were missing, more than MASS_DELETE_GUARD lets go at once" in run["error"]
    assert workbench.entities() == 60

    asked = command(workbench, "runs", "release", run["id"])
    assert asked.returncode == 78
    assert asked.stderr.startswith(f"Apply 60 deletions of run {run['id']}? [y/N]: ")
    assert asked.stderr.endswith("nobody has said yes: --yes answers\n")
    assert workbench.entities() == 60
    result = command(workbench, "runs", "release", run["id"], "--yes")
    assert (result.returncode, result.stdout) == (0, f"60 entities of run {run['id']} are now marked as deleted\n")
    assert (workbench.entities(), workbench.entities(active=False)) == (0, 60)


def test_f03_a_mass_drop_is_held_back_released_and_comes_back_to_life_with_its_history(workbench):
    workbench.worker()
    job = workbench.job(resources=100)
    workbench.ended(job)
    ids = {row["external_id"]: row["id"] for row in workbench.rows("select id, external_id from entities")}
    change(workbench, job, resources=40)
    run = workbench.ended(job, 2)
    assert (workbench.scopes(run)["r1"]["held_back"], workbench.entities()) == (60, 100)
    assert command(workbench, "runs", "release", run["id"], "--yes").returncode == 0
    assert workbench.entities() == 40

    change(workbench, job, resources=100, generation=7, changed=100)
    assert workbench.ended(job, 3)["entities_updated"] == 100
    assert {row["external_id"]: row["id"] for row in workbench.rows("select id, external_id from entities where is_active")} == ids
    last = workbench.rows("select operation, changes, run_id from entity_changes where entity_id = %s order by id", ids["r1/99"])
    assert [one["operation"] for one in last] == ["deleted", "restored"]
    assert last[1]["changes"]["attributes.generation"] == [0, 7]
    assert (last[0]["run_id"], last[1]["run_id"]) == (run["id"], run["id"] + 1)
    assert workbench.one("select count(*) from entities where deleted_at is not null") == 0


def test_f03_nothing_is_released_while_the_job_runs(workbench):
    """The running job may be seeing again what is held back."""
    workbench.worker()
    job = workbench.job(resources=60)
    workbench.ended(job)
    change(workbench, job, behaviour="empty")
    run = workbench.ended(job, 2)
    change(workbench, job, behaviour="sleep")
    workbench.await_fault("sleep")

    result = command(workbench, "runs", "release", run["id"], "--yes")
    assert (result.returncode, "is running, and may be reading what is held back" in result.stderr) == (1, True)
    assert workbench.entities() == 60


def test_f07_wrong_credentials_are_tried_once_in_an_interval(workbench):
    worker = workbench.worker()
    job = workbench.job(interval=3600, behaviour="refuse_credentials", password="hunter2hunter2")
    run = workbench.ended(job)
    assert (run["status"], run["error_kind"]) == ("error", "credentials")
    [waits] = workbench.rows("select extract(epoch from next_run_at - now())::int as seconds, failures from discovery_jobs")
    assert 3300 < waits["seconds"] < 3900
    other = workbench.job(resources=1)  # the worker has looked again by the time that this one has run
    workbench.ended(other)
    assert len(workbench.runs(job)) == 1
    assert worker.process.poll() is None


BROKEN = {
    "unimportable": "import a_package_that_nobody_has",
    "raising": "raise RuntimeError('not today')",
    "useless": "Broken = 7",
}


@pytest.fixture
def broken_packages(tmp_path, monkeypatch):
    """Three packages with a provider each, none of which can be loaded, installed beside Elder Worker."""
    site = tmp_path / "site"
    for name, body in BROKEN.items():
        package = site / f"elder_{name}-1.0.dist-info"
        package.mkdir(parents=True)
        (site / f"elder_{name}.py").write_text(body + "\n")
        (package / "METADATA").write_text(f"Metadata-Version: 2.1\nName: elder-{name}\nVersion: 1.0\n")
        (package / "entry_points.txt").write_text(f"[elder_worker.providers]\n{name} = elder_{name}:Broken\n")
    monkeypatch.setenv("PYTHONPATH", str(site))
    return site


def test_f09_a_provider_that_cannot_be_loaded_takes_nobody_with_it(workbench, broken_packages):
    worker = workbench.worker()
    jobs = {name: workbench.job(provider=name) for name in BROKEN}
    good = workbench.job(resources=10)

    for name, job in jobs.items():
        run = workbench.ended(job)
        assert (name, run["status"], run["error_kind"]) == (name, "error", "config")
        assert f"provider '{name}' cannot be loaded" in run["error"]
    assert workbench.ended(good)["status"] == "completed"
    assert worker.state()["services"]["writer"]["restarts"] == 0

    listed = subprocess.run(
        [sys.executable, "-m", "worker.cli", "providers"],
        env={"PYTHONPATH": str(broken_packages)},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = {line.split()[0]: line for line in listed.stdout.splitlines()}
    assert "jobs" in lines["aws"]
    assert "a_package_that_nobody_has" in lines["unimportable"]


def test_f09_a_missing_sdk_is_a_sentence_and_stops_nobody_else(workbench, tmp_path, monkeypatch):
    """The provider can be imported without its SDK; only its jobs fail."""
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "botocore.py").write_text("raise ImportError('hidden', name='botocore')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "hidden"))
    workbench.worker()
    aws, good = workbench.job(provider="aws"), workbench.job(resources=10)

    run = workbench.ended(aws)
    assert (run["status"], run["error_kind"]) == ("error", "config")
    assert f"needs a package that is not installed (botocore): {install_command('aws')}" in run["error"]
    assert workbench.ended(good)["status"] == "completed"


def test_f10_the_same_answers_give_the_same_rows(workbench):
    """Two organizations, one source: what is stored is equal to the last byte, and reading it again writes nothing."""
    workbench.worker()
    checksum = (
        "select md5(string_agg(concat_ws('|', external_id, name, entity_type, sub_type, region, attributes, tags, content), ',' "
        "order by external_id)) from entities where organization_id = %s"
    )
    sums = []
    for _ in range(2):
        workbench.organization = workbench.one("insert into organizations (name) values ('replay') returning id")
        job = workbench.job(regions=["a", "b"], resources=500)
        workbench.ended(job)
        sums.append(workbench.one(checksum, workbench.organization))
        workbench.queue(job)
        run = workbench.ended(job, 2)
        assert (run["entities_created"], run["entities_updated"], run["entities_deleted"]) == (0, 0, 0)
        assert workbench.one(checksum, workbench.organization) == sums[-1]
    assert sums[0] == sums[1]
    until(lambda: workbench.one("select count(*) from elder_worker.claims where owner is not null") == 0, "nothing runs any more")
