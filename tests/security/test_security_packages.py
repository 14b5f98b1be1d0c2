"""A third party's provider package: imported in job processes only, described to everybody else. Case sec-2."""

from __future__ import annotations

import importlib.metadata
import json
import os
import pathlib
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from cryptography.fernet import Fernet
from peers.service import Part, environment, get
from third_party import install

from providers import registry

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEY = Fernet.generate_key().decode()

MODULE = """
import os, pathlib
from collections.abc import Iterator
from typing import Annotated
import msgspec
from providers.errors import ConfigError
from providers.provider import Provider, Read, ResourceType, Source
from providers.records import Identity, Resource, Scope
from providers.schema import Secret
from providers.variables import NoSettings, setting

try:
    with open({marker!r}, "a") as marker:
        marker.write(f"{{os.getpid()}}\\n")
except OSError:
    pass


class LibraryConfig(msgspec.Struct, frozen=True):
    branch: Annotated[str, setting("Branch.")]
    key: Annotated[Secret, setting("Key.")]
    floor: int = 0

    def __post_init__(self):
        if self.branch == "moon":
            raise ValueError("`branch`: there is no library on the moon")


class Library(Provider):
    name, title, config, connector = "library", "Library", LibraryConfig, LibraryConfig

    def open(self, config, operator):
        return Shelves(config)

    def resource_types(self):
        return (ResourceType("library_book", "media", ("GET /books",), ("books.list",)),)


class Shelves(Source):
    def __init__(self, config):
        self.config = config

    def check(self):
        return Identity(name="reader", account=self.config.branch)

    def plan(self):
        yield Read((Scope("library", self.config.branch, "", "library_book"),), self.books)

    def books(self):
        for number, title in enumerate(("Faust", "Emma"), 1):
            yield Resource(f"{{self.config.branch}}/{{number}}", "media", "library_book", title, {{"shelf": number}})
"""
"""A provider whose import leaves a mark wherever it is not shut in."""


class Installed:
    """A database, an API and perhaps a worker beside a package."""

    def __init__(self, database: str, folder: pathlib.Path) -> None:
        self.folder, self.marker = folder, folder / "imported"
        modules, claims = {"elder_library.py": self.module()}, importlib.metadata.packages_distributions()  # as if it brought every module
        path = install(folder / "site", {"library": "elder_library:Library"}, modules, name="elder-library", claims=claims)
        self.environ = {
            "DATABASE_URL": database,
            "ELDER_SECRET_KEYS": KEY,
            "PYTHONPATH": path,
            "DISCOVERY_POLL_INTERVAL": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.parts: list[Part] = []

    def module(self) -> str:
        return MODULE.format(marker=str(self.marker))

    def start(self, command: str, **more: str) -> Part:
        variable = {"api": "ELDER_API_PORT", "run": "HEALTH_CHECK_PORT"}[command]
        part = Part(self.folder / f"{command}-{len(self.parts)}.log", command, {**self.environ, **more}, variable)
        self.parts.append(part)
        part.wait(lambda: get(f"{part.url}/{'healthz' if command == 'api' else 'readyz'}"), f"{command} does not answer")
        return part

    def command(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        env = environment({**self.environ, **more})
        command = [sys.executable, "-m", "worker.cli", *words]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=100, cwd=ROOT)

    def imported(self) -> bool:
        """True when a process that is not shut in has imported the package."""
        return self.marker.exists()

    def stop(self) -> None:
        for part in self.parts:
            if part.process.poll() is None:
                part.stop()


@pytest.fixture
def installed(database, tmp_path):
    one = Installed(database, tmp_path)
    yield one
    one.stop()


def call(part: Part, method: str, path: str, body=None) -> tuple[int, dict]:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"{part.url}/api/v1/{path}", data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.loads(response.read() or b"{}")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def a_job(**config) -> dict:
    return {"name": f"books {config}", "provider": "library", "config": {"branch": "city", "key": "sesame", **config}}


def ended(api: Part, job: int) -> dict:
    def look():
        _, found = call(api, "GET", f"discovery/jobs/{job}/history?limit=1")
        return next((run for run in found["results"] if run["status"] != "running"), None)

    return api.wait(look, f"job {job} has not ended")


def test_the_control_an_import_leaves_a_mark(installed):
    subprocess.run(
        [sys.executable, "-c", "import elder_library"], env={**os.environ, "PYTHONPATH": installed.environ["PYTHONPATH"]}, check=True
    )
    assert installed.imported()


@pytest.mark.parametrize(
    "words", [("migrate",), ("settings",), ("providers",), ("providers", "library"), ("keygen",), ("check",)], ids=" ".join
)
def test_case_sec_2_no_command_imports_a_package_that_is_installed(installed, words):
    done = installed.command(
        *words, LIBRARY_ENABLED="true", LIBRARY_BRANCH="city", LIBRARY_KEY="sesame", ELDER_API_URL="http://127.0.0.1:9"
    )
    assert "Traceback" not in done.stderr
    assert not installed.imported()


@pytest.mark.timeout(300)
def test_case_sec_2_a_package_is_described_stored_checked_and_run_and_imported_by_its_job_alone(installed, sql):
    """The life of a package: unknown, described, checked by its schema, run, upgraded."""
    api = installed.start("api")
    code, answer = call(api, "POST", "discovery/jobs", a_job())
    assert (code, "no worker has described yet" in answer["error"]) == (400, True), answer

    worker = installed.start("run", LIBRARY_ENABLED="true", LIBRARY_BRANCH="city", LIBRARY_KEY="sesame")
    code, job = call(api, "POST", "discovery/jobs", a_job())
    assert (code, job["config"]["key"], job["config"]["branch"]) == (201, "***REDACTED***", "city"), job
    assert "sesame" not in str(sql.execute("select config from discovery_jobs").fetchall())
    [row] = sql.execute(
        "select name, length(package_hash), description->'config'->'properties'->'key' from elder_worker.provider_descriptions"
    )
    assert row[:2] == ("library", 64)
    assert row[2]["secret"] is True
    for wrong, complaint in (({"floor": "x"}, "`floor`"), ({"flor": 1}, "did you mean `floor`"), ({"branch": None}, "`branch` is missing")):
        code, answer = call(api, "POST", "discovery/jobs", a_job(**wrong))
        assert (code, complaint in str(answer["details"])) == (400, True), answer

    run = ended(api, job["id"])
    assert (run["status"], run["entities_discovered"]) == ("completed", 2), run

    _, moon = call(api, "POST", "discovery/jobs", a_job(branch="moon"))
    run = ended(api, moon["id"])
    assert (run["status"], run["error_kind"]) == ("error", "config")
    assert "no library on the moon" in run["error"], "what a schema cannot check"

    assert not installed.imported()
    assert get(f"{worker.url}/status")["warnings"] == []
    site = pathlib.Path(installed.environ["PYTHONPATH"].partition(os.pathsep)[0])
    (site / "elder_library.py").write_text(installed.module() + "\n# 2.0\n")
    call(api, "POST", f"discovery/jobs/{job['id']}/queue")
    api.wait(lambda: call(api, "GET", f"discovery/jobs/{job['id']}/history")[1]["total"] == 2, "the second run")
    run = ended(api, job["id"])
    assert (run["status"], run["error_kind"], "has changed since this worker started" in run["error"]) == ("error", "config", True), run
    assert not installed.imported()


def test_case_sec_2_a_description_that_was_written_past_the_workers_harms_nobody(elder, sql):
    """Forged rows: a built-in provider's name, no description at all, and one of megabytes."""
    sql.execute(
        "insert into elder_worker.provider_descriptions (name, package_hash, description) values"
        " ('aws', 'x', '{\"name\": \"aws\", \"title\": \"Forged\"}'), ('odd', 'x', '[]'),"
        " ('large', 'x', jsonb_build_object('name', 'large', 'title', repeat('x', 3000000)))"
    )
    for provider in ("odd", "large"):
        answer = elder.call("POST", "discovery/jobs", {"name": "x", "provider": provider, "config": {}})
        assert answer.status_code == 400, answer.json
        assert "unsupported provider" in answer.json["error"]
    made = elder.post("discovery/jobs", {"name": "x", "provider": "aws", "config": {"access_key_id": "a", "secret_access_key": "canary"}})
    assert made["config"]["secret_access_key"] == "***REDACTED***"
    assert registry.get("aws").title == "AWS"


def test_case_sec_2_a_package_that_calls_itself_the_api_is_not_started(installed):
    """The API is started by its entry point; one of that name in another package is passed over."""
    site = pathlib.Path(installed.environ["PYTHONPATH"].partition(os.pathsep)[0])
    entries = site / "elder_library-1.0.dist-info" / "entry_points.txt"
    entries.write_text(entries.read_text() + "[elder_worker.services]\napi = elder_library:Library\n")
    installed.start("api")
    assert not installed.imported()
