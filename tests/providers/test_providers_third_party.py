"""Modules of third parties' packages are kept out of processes that run no jobs, under whatever name a library would import them."""

from __future__ import annotations

import ast
import configparser
import importlib.metadata
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator

import pytest
import third_party as package
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from waiting import CAP

from providers import third_party
from providers.third_party import NEEDED, OF_EXTRAS

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


def ours() -> list[Requirement]:
    """What setup.cfg requires for the processes that keep modules out; SDKs are for jobs."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    extras = config["options.extras_require"]
    return [
        Requirement(line) for line in "\n".join((config["options"]["install_requires"], extras["oidc"], extras["yaml"])).split("\n") if line
    ]


def required(asked: Requirement) -> Iterator[Requirement]:
    """What an installed package requires, with the extras that are asked for; what is for another system or Python is left out."""
    for one in map(Requirement, importlib.metadata.requires(asked.name) or ()):
        if not one.marker or any(one.marker.evaluate({"extra": extra}) for extra in (*asked.extras, "")):
            yield one


def needed_packages() -> set[str]:
    """The names of all packages that ours require, and of those that these require."""
    found, open_ = set[str](), ours()
    while open_:
        one = open_.pop()
        key = f"{canonicalize_name(one.name)}{sorted(one.extras)}"
        if key not in found:
            found.add(key)
            open_ += required(one)
    return {key.partition("[")[0] for key in found}


BUILD_ONLY = {"pycparser"}
"""Packages that are required by what we need (cffi), and imported only when that is built."""


def test_each_module_of_what_is_required_is_needed():
    """A module of ours that a package has installed over is not kept out: the process would not start."""
    modules: dict[str, set[str]] = {}
    for module, owners in importlib.metadata.packages_distributions().items():
        for owner in owners if module.isidentifier() and not module.endswith("__mypyc") else ():
            modules.setdefault(canonicalize_name(owner), set()).add(module)
    packages, named = needed_packages() - BUILD_ONLY, NEEDED.union(*OF_EXTRAS.values())
    missing = {name: found for name in packages if (found := modules[name] - named)}
    assert missing == {}, f"to be added to NEEDED of providers/third_party.py: {sorted(set().union(*missing.values()))}"
    stale = named.difference(*(modules[name] for name in packages)) - {"api", "providers", "supervisor", "worker"}
    assert stale <= {"typing_extensions"}, "required by none; a newer Python needs no typing_extensions"


@pytest.mark.parametrize(("extra", "modules"), OF_EXTRAS.items())
def test_a_module_of_an_extra_is_needed_where_the_extra_is_installed(tmp_path, monkeypatch, extra, modules):
    """Without the extra, a package's module of that name is kept out of the API like any other."""
    package.install(tmp_path, {"odd": "elder_odd:Odd"}, claims=(*modules, "elder_odd"))
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert third_party.kept_out() == {*modules, "elder_odd"}

    (tmp_path / f"{extra}-1.0.dist-info").mkdir()
    assert third_party.kept_out() == {"elder_odd"}


WITHOUT = ROOT / "worker/telemetry"
"""The room that the writer does without when a package has brought a module of that name: test_writer_lean.py starts it so."""


def imported_by(package: str) -> list[str]:
    """All modules of a package of ours but those that it can do without, and all that they import, inside functions too."""
    found = set()
    for path in (ROOT / package).rglob("*.py"):
        if path.stem == "__main__" or WITHOUT in path.parents:
            continue
        found.add(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
        nodes = list(ast.walk(ast.parse(path.read_text())))
        found |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        found |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    return sorted(name for name in found if not name.startswith("worker.telemetry"))


@pytest.mark.parametrize("package_of_ours", ["api", "worker"])
def test_a_package_that_claims_every_module_there_is_stops_no_process(tmp_path, package_of_ours):
    """All that the API, the writer and the commands ever import is needed, also what a library makes without a file (`_openssl`)."""
    code = f"import sys, importlib, {'api' if package_of_ours == 'api' else 'worker.cli, worker.writer'}\n"
    code += "for name in sys.argv[1:]: importlib.import_module(name)\nprint(*sorted({name.partition('.')[0] for name in sys.modules}))"
    command = [sys.executable, "-c", code, *imported_by(package_of_ours)]
    alone = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=CAP, check=True).stdout.split()
    everything = {*alone, *importlib.metadata.packages_distributions()}
    path = package.install(tmp_path, {"odd": "elder_odd:Odd"}, claims=everything)

    beside = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, cwd=ROOT, capture_output=True, text=True, timeout=CAP, check=False
    )

    assert beside.returncode == 0, f"add what is missing to NEEDED of providers/third_party.py:\n{beside.stderr}"


@pytest.mark.parametrize("record", [b"", b"\xff\xfe\x00", b'"' * 200_000, b"a/b.py,,\n" * 30_000, b"../x.py,,\n/etc/y.py,,\n,,\n"])
def test_a_list_of_files_that_is_none_stops_nobody(tmp_path, record):
    path = package.install(tmp_path, {"odd": "elder_odd:Odd"}, {"elder_odd.py": ""})
    (tmp_path / "elder_hostile-1.0.dist-info" / "RECORD").write_bytes(record)
    environ = {**os.environ, "PYTHONPATH": path}

    done = subprocess.run([sys.executable, "-c", "import api"], env=environ, capture_output=True, text=True, timeout=CAP, check=False)

    assert (done.returncode, done.stderr) == (0, "")
