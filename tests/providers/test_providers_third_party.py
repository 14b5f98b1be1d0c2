"""Modules of third parties' packages are kept out of processes that run no jobs, under whatever name a library would import them."""

from __future__ import annotations

import configparser
import importlib.metadata
import os
import pathlib
import re
import subprocess
import sys

import pytest
import third_party as package
from waiting import CAP

from providers.third_party import NEEDED

ROOT = pathlib.Path(__file__).resolve().parents[2]
OPTIONAL = ("rich", "psycopg_c", "dotenv", "asgiref", "brotli", "zstandard", "better_exceptions", "elder_odd", "google")
"""Modules that a package brings: most are imported by libraries of ours if they are there."""


@pytest.fixture
def run(tmp_path):
    """Runs code in a process beside which a package is installed; returns the modules of it that were run."""
    note = tmp_path / "note"
    text = f"open({str(note)!r}, 'a').write(__name__ + '\\n')\n"
    modules = {f"{name}/__init__.py" if name == "google" else f"{name}.py": text for name in OPTIONAL}
    path = package.install(tmp_path / "site", {"odd": "elder_odd:Odd"}, modules)

    def call(code: str) -> list[str]:
        environ = {**os.environ, "PYTHONPATH": path, "NO_COLOR": "1"}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=CAP, check=False
        )
        assert done.returncode == 0, done.stderr
        return note.read_text().split() if note.exists() else []

    return call


def test_without_it_a_library_runs_a_packages_module(run):
    """The control: structlog imports `rich` if it is there."""
    assert "rich" in run("import structlog")


@pytest.mark.parametrize(
    "code",
    [
        "import api.server, flask.cli",
        "import worker.writer.process",
        "import worker.cli.main, worker.cli.migrate, worker.store.connection",
        "import api.client.main",
    ],
)
def test_no_module_of_a_package_runs_in_a_process_that_runs_no_jobs(run, code):
    assert (
        run(code + f"\nfor name in {OPTIONAL}:\n    try: __import__(name)\n    except ImportError: continue\n    raise SystemExit(name)")
        == []
    )


def test_a_job_imports_them(run):
    assert run("import worker.job.entry, elder_odd, google")[-2:] == ["elder_odd", "google"]


def test_what_we_need_is_named():
    """A module of ours that a package has installed over is not kept out: the process would not start."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    wanted = {re.split(r"[^\w-]", line)[0] for line in config["options"]["install_requires"].split()}
    provided: dict[str, set[str]] = {}
    for module, owners in importlib.metadata.packages_distributions().items():
        for owner in owners:
            provided.setdefault(re.sub(r"[-_.]+", "-", owner).lower(), set()).add(module)
    for name in wanted:
        modules = {module for module in provided.get(name.lower(), ()) if module.isidentifier() and not module.endswith("__mypyc")}
        assert modules, name
        assert modules <= NEEDED, name


@pytest.mark.parametrize("record", [b"", b"\xff\xfe\x00", b'"' * 200_000, b"a/b.py,,\n" * 30_000, b"../x.py,,\n/etc/y.py,,\n,,\n"])
def test_a_list_of_files_that_is_none_stops_nobody(tmp_path, record):
    path = package.install(tmp_path, {"odd": "elder_odd:Odd"}, {"elder_odd.py": ""})
    (tmp_path / "elder_hostile-1.0.dist-info" / "RECORD").write_bytes(record)
    environ = {**os.environ, "PYTHONPATH": path}

    done = subprocess.run([sys.executable, "-c", "import api"], env=environ, capture_output=True, text=True, timeout=CAP, check=False)

    assert (done.returncode, done.stderr) == (0, "")
