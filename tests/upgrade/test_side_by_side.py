"""The release before and this one on the same database, in both directions, with a later additive migration (docs/operations.md).

`previous.tar.xz` has the release before (keep_release.py): its own supervisor, writer, jobs, connectors and API run here.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import urllib.request

import psycopg
import pytest
from peers.elder import KEY
from peers.port import free_port
from upgrading import unpack
from waiting import NO_ANSWER, until
from workbench import Workbench

from worker.store import migrate

HERE = pathlib.Path(__file__).parent
TODAY = HERE.parent.parent
COMMAND = pathlib.Path(sys.executable).with_name("elder-worker")

SCHEMA = "import json; from worker.store import migrate; print(json.dumps([migrate.__file__, migrate.version()]))"
MIGRATE = "import sys; from worker.store import migrate; print(migrate.migrate(sys.argv[1]))"

ADDITIVE = """
alter table discovery_jobs add column colour text;
alter table discovery_history add column colour text not null default 'green';
alter table entities add column colour text;
alter table elder_worker.claims add column colour text;
alter table elder_worker.scopes add column colour text not null default 'green';
alter table run_scopes add column colour text;
create table elder_worker.colours (id bigint primary key);
"""
"""What the next release may add."""

CUT = "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'elder-worker%' and datname = current_database()"


class Pair:
    """A workbench on a database that the release before has made."""

    def __init__(self, bench: Workbench, previous: pathlib.Path) -> None:
        self.bench, self.previous = bench, previous
        self._apis: list[subprocess.Popen] = []

    def upgrade(self) -> None:
        """Brings the schema to today's version, and one additive migration beyond it."""
        migrate.migrate(self.bench.url)
        self._add()
        self.bench.sql.execute(
            "insert into elder_worker.migrations (name, checksum, works_with) values ('9999_colours', 'x', %s)",
            [json.loads(self.run(self.previous, "-c", SCHEMA))[1]],
        )

    def _add(self) -> None:
        """The additive migration; as `migrate` does it, once more where a worker was in its way."""
        for _ in range(migrate.TRIES):
            with contextlib.suppress(psycopg.errors.DeadlockDetected):
                self.bench.sql.execute(ADDITIVE)
                return
        pytest.fail("each time it met a deadlock")

    def worker(self, code: pathlib.Path, **settings):
        return self.bench.worker(options={"code": code}, **settings)

    def run(self, code: pathlib.Path, *arguments: object) -> str:
        """What a Python program prints with the packages of a release."""
        environ = {**os.environ, "PYTHONPATH": str(code)}
        program = [sys.executable, *map(str, arguments)]
        done = subprocess.run(program, env=environ, cwd=code, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout.strip()

    def api(self, code: pathlib.Path) -> str:
        """Serves the API of a release; returns its URL."""
        port = free_port()
        environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(code), "DATABASE_URL": self.bench.url}
        environ |= {"ELDER_API_PORT": str(port), "ELDER_SECRET_KEYS": KEY}
        path = self.bench.folder / f"api-{port}.log"
        with path.open("wb") as log:
            self._apis.append(subprocess.Popen([COMMAND, "api"], env=environ, cwd=code, stdout=log, stderr=log))
        until(lambda: self._answers(f"http://127.0.0.1:{port}/"), lambda: path.read_text()[-3000:])
        return f"http://127.0.0.1:{port}"

    @staticmethod
    def _answers(url: str) -> bool:
        try:
            return call(url) is not None
        except NO_ANSWER:
            return False

    def close(self) -> None:
        for api in self._apis:
            api.terminate()
            api.wait(20)
        for worker in self.bench.workers:
            if worker.process.poll() is None:
                worker.stop()
            until(lambda worker=worker: not worker.processes(), "processes are left")
            print(worker.log.read_text(errors="replace")[-3000:])
        self.bench.sql.close()


def call(url: str, body: bytes | None = None):
    """The answer of an API, which is JSON unless it is a page; with a body it is a POST."""
    with urllib.request.urlopen(urllib.request.Request(url, body), timeout=20) as answer:
        text = answer.read().decode()
    return json.loads(text) if answer.headers.get_content_type() == "application/json" else text


@pytest.fixture(scope="module")
def previous(tmp_path_factory):
    return unpack(tmp_path_factory.mktemp("previous"), "previous.tar.xz")


@pytest.fixture
def pair(empty_database, previous, tmp_path):
    one = None
    try:
        subprocess.run(
            [sys.executable, "-c", MIGRATE, empty_database],
            env={**os.environ, "PYTHONPATH": str(previous)},
            cwd=previous,
            check=True,
            timeout=60,
        )
        one = Pair(Workbench(empty_database, tmp_path), previous)
        yield one
    finally:
        if one:
            one.close()


def test_the_release_before_runs_its_own_code(pair, previous):
    file, version = json.loads(pair.run(previous, "-c", SCHEMA))
    assert pathlib.Path(file).is_relative_to(previous)
    assert version <= migrate.version()


def test_case_eng_12_workers_of_the_release_before_go_on_when_a_newer_replica_migrates(pair, previous):
    """In the middle of a run, and at the next connection."""
    bench, worker = pair.bench, pair.worker(previous)
    long = bench.job(regions=[f"r{n}" for n in range(20)], resources=50, pause=0.004)
    until(lambda: bench.entities() > 50, "the run is in the middle")
    pair.upgrade()
    bench.sql.execute(CUT)
    assert bench.ended(long)["status"] == "completed"

    short = bench.job(regions=["short"], resources=7)
    assert bench.ended(short)["status"] == "completed"
    assert bench.entities() == 1007
    until(lambda: worker.report()["database"]["schema"] == "9999", "the state tells the version of the connection before")
    assert worker.state()["services"]["writer"]["restarts"] == 0


def test_case_eng_12_forth_and_back_and_forth(pair, previous):
    """The same job by the release before, this one, the release before and this one: all unchanged, nothing deleted."""
    bench = pair.bench
    job = bench.job(regions=["a", "b"], resources=60)
    told = []
    for number, code in enumerate((previous, TODAY, previous, TODAY), 1):
        worker = pair.worker(code)
        bench.queue(job)
        run = bench.ended(job, number)
        told.append([run[name] for name in ("status", "entities_discovered", "entities_created", "entities_updated", "entities_deleted")])
        assert worker.stop() == 0
        if number == 1:
            pair.upgrade()
    assert told == [["completed", 120, 120, 0, 0], *[["completed", 120, 0, 0, 0]] * 3]
    assert bench.one("select count(*) from elder_worker.scopes where state <> 'current'") == 0


def test_case_eng_12_what_either_release_stores_is_no_stale_memory_of_the_other(pair, previous):
    """A source that changes and changes back, each time read by the other release: the inventory is what was read last."""
    bench = pair.bench
    pair.upgrade()
    job = bench.job(regions=["a"], resources=400, changed=30)
    for number, (code, generation) in enumerate([(TODAY, 0), (TODAY, 0), (previous, 1), (TODAY, 0), (previous, 0), (TODAY, 1)], 1):
        change = json.dumps({"generation": generation})
        bench.sql.execute("update discovery_jobs set config = config || %s::jsonb where id = %s", [change, job])
        worker = pair.worker(code)
        bench.queue(job)
        assert bench.ended(job, number)["status"] == "completed"
        assert worker.stop() == 0
        changed = bench.one("select count(*) from entities where is_active and (attributes->>'generation')::int = 1")
        assert (changed, bench.entities()) == (30 * generation, 400), number


def test_case_eng_12_a_worker_of_each_at_the_same_time(pair, previous):
    bench = pair.bench
    pair.upgrade()
    for code in (previous, TODAY):
        pair.worker(code, discovery_max_concurrent=1)
    jobs = [bench.job(regions=[f"{n}-a", f"{n}-b"], resources=100, pause=0.005) for n in range(6)]
    until(lambda: bench.one("select count(distinct owner) from elder_worker.claims where owner is not null") == 2, "each has a job")
    assert [bench.ended(job)["status"] for job in jobs] == ["completed"] * 6
    assert bench.entities() == 1200
    assert bench.one("select count(*) from discovery_history") == 6


@pytest.mark.parametrize("older", ["api", "worker"])
def test_case_eng_12_the_api_of_one_and_the_worker_of_the_other(pair, previous, older):
    bench = pair.bench
    pair.upgrade()
    api = pair.api(previous if older == "api" else TODAY) + "/api/v1"
    pair.worker(previous if older == "worker" else TODAY)
    job = bench.job(regions=["a"], resources=30)
    run = bench.ended(job)
    assert run["status"] == "completed"
    assert call(f"{api}/discovery/jobs/{job}")["status"] == "completed"
    assert call(f"{api}/runs/{run['id']}")["entities_created"] == 30
    assert call(f"{api}/entities?per_page=5")["total"] == 30
    assert call(f"{api}/changes")["total"] == 30
    assert call(f"{api}/scopes")["total"] == 1
    call(f"{api}/discovery/jobs/{job}/queue", b"")
    assert bench.ended(job, 2)["status"] == "completed"


@pytest.mark.parametrize("older", ["api", "connector"])
def test_case_eng_12_the_connector_of_one_and_the_api_of_the_other(pair, previous, older):
    pair.upgrade()
    url = pair.api(previous if older == "api" else TODAY)
    code = previous if older == "connector" else TODAY
    client = HERE / "sync_client.py"
    assert [pair.run(code, client, url, count) for count in (40, 40, 38)] == ["40 0 0", "0 0 0", "0 0 2"]
    assert call(f"{url}/api/v1/connectors/ldap/history")["total"] == 1
