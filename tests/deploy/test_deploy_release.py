"""A release, as `make dist` builds it: refused until the commit is ready, then a wheel that works where it is installed, and nothing else is there."""

from __future__ import annotations

import hashlib
import importlib.util
import pathlib
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DESCRIPTION = importlib.util.spec_from_file_location("release", ROOT / "deploy" / "release.py")
release = importlib.util.module_from_spec(DESCRIPTION)
DESCRIPTION.loader.exec_module(release)
COPIED = ("api", "deploy/release.py", "providers", "supervisor", "worker", "setup.cfg", "pyproject.toml", "MANIFEST.in", "README.md")
VERSION = release.version(ROOT)
WRITTEN_BY_HAND = re.compile(rf"version(?:__)?\W{{1,6}}{re.escape(VERSION)}\b", re.IGNORECASE)


def run(*command: object, cwd: pathlib.Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """A command with nothing in its environment but a path, a home and what is given."""
    known = {"PATH": "/usr/bin:/bin", "HOME": str(cwd)}
    return subprocess.run(list(map(str, command)), cwd=cwd, env=known | environ, capture_output=True, text=True, timeout=200)


def git(cwd: pathlib.Path, *arguments: str) -> None:
    done = run("git", "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> pathlib.Path:
    """A repository of its own with the files of this one that a release is made of."""
    folder = tmp_path_factory.mktemp("checkout")
    listed = run("git", "ls-files", *COPIED, "LICENSE", "CHANGELOG.md", ".gitignore", cwd=ROOT).stdout.split()
    for name in {*listed, "deploy/release.py", "MANIFEST.in"}:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((ROOT / name).read_bytes())
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "one")
    return folder


def dist(checkout: pathlib.Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, checkout / "deploy" / "release.py", *arguments, cwd=checkout)


@pytest.fixture(scope="module")
def built(checkout) -> pathlib.Path:
    """The folder with wheel, source distribution and checksums."""
    done = dist(checkout, "--snapshot")
    assert done.returncode == 0, done.stderr
    return checkout / "dist"


def test_a_commit_that_is_no_release_is_refused_with_a_sentence_for_each_reason(checkout):
    (checkout / "LICENSE").write_text("another")
    done = dist(checkout)
    git(checkout, "checkout", "-q", "LICENSE")
    assert done.returncode == 1
    sentences = done.stderr.splitlines()
    assert len(sentences) == 3 and all(sentence.startswith("no release: ") for sentence in sentences)
    assert f"`## [{VERSION}] - YYYY-MM-DD`" in sentences[0] and "LICENSE" in sentences[1] and f"git tag -a v{VERSION}" in sentences[2]


@pytest.mark.parametrize(
    ("number", "found"), [("0.2.0", []), ("0.2", ["worker/version.py: '0.2' is not a version of the form MAJOR.MINOR.PATCH"])]
)
def test_a_commit_with_its_heading_and_its_tag_is_a_release_when_its_version_is_one(checkout, tmp_path, number, found):
    run("git", "clone", "-q", checkout, "ready", cwd=tmp_path)
    ready = tmp_path / "ready"
    text = (ready / "CHANGELOG.md").read_text()
    (ready / "CHANGELOG.md").write_text(text.replace("## [Unreleased]\n", f"## [Unreleased]\n\n## [{number}] - 2026-01-31\n"))
    (ready / "worker" / "version.py").write_text(f'"""The version."""\n\n__version__ = "{number}"\n')
    git(ready, "commit", "-q", "-a", "-m", number)
    git(ready, "tag", "-a", f"v{number}", "-m", number)
    assert list(release.obstacles(ready)) == found


def test_the_source_distribution_has_all_that_the_wheel_needs_and_the_changelog(built, tmp_path):
    [archive], [wheel] = built.glob("*.tar.gz"), built.glob("*.whl")
    with tarfile.open(archive) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    code = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert len(code) > 300 and any(name.endswith(".sql") for name in code)
    assert code <= names
    assert {"CHANGELOG.md", "LICENSE", "README.md"} <= names
    assert not [name for name in names if name.startswith(("tests/", "dist/")) or "hostile" in name]


def test_the_checksums_are_those_of_the_files(built):
    sums = dict(reversed(line.split("  ")) for line in (built / "SHA256SUMS").read_text().splitlines())
    assert sums == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in built.iterdir() if path.suffix in {".whl", ".gz"}}
    assert len(sums) == 2


def test_the_wheel_has_the_bytes_of_one_that_is_made_of_the_checkout_itself(built, checkout, tmp_path):
    """So it lacks nothing for being made of the source distribution, and anybody can make it again."""
    command = (sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path, checkout)
    assert run(*command, cwd=tmp_path, SOURCE_DATE_EPOCH=release.git(checkout, "log", "-1", "--format=%ct")).returncode == 0
    [wheel], [direct] = built.glob("*.whl"), tmp_path.glob("*.whl")
    assert direct.read_bytes() == wheel.read_bytes()


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory) -> pathlib.Path:
    """The folder of the commands of an environment with this wheel; its dependencies are the ones of this environment."""
    folder = tmp_path_factory.mktemp("installed")
    assert run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder).returncode == 0
    [wheel], python = built.glob("*.whl"), folder / "bin" / "python"
    done = run(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", wheel, cwd=folder)
    assert done.returncode == 0, done.stderr
    [packages] = folder.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


def test_the_installed_wheel_is_what_runs_and_every_part_says_its_version(installed, tmp_path):
    script = "import importlib.metadata as m, worker.version as v; print(v.__file__, v.__version__, m.version('elder-worker'))"
    done = run(installed / "python", "-c", script, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    path, *versions = done.stdout.split()
    assert path.startswith(str(installed.parent))
    for command in ("elder-worker", "elder"):
        done = run(installed / command, "--version", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        versions.append(done.stdout.split()[-1])
    assert len(set(versions)) == 1


def test_the_installed_wheel_migrates_a_database_and_knows_its_providers(installed, empty_database, tmp_path):
    """Both need files that are no Python: SQL, and each provider's description."""
    done = run(installed / "elder-worker", "migrate", cwd=tmp_path, DATABASE_URL=empty_database)
    assert done.returncode == 0, done.stderr
    done = run(installed / "elder-worker", "providers", cwd=tmp_path)
    assert done.returncode == 0 and {"aws", "ldap", "kubernetes"} <= set(done.stdout.split()), done.stderr


def test_the_version_stands_in_one_place():
    """The chart has to repeat it, which test_deploy_helm.py holds it to; no other file of code, packaging or documents has it."""
    files = run(
        "git", "ls-files", "*.py", "*.cfg", "*.toml", "*.yaml", "*.yml", "docs/*.md", "README.md", "Dockerfile", cwd=ROOT
    ).stdout.split()
    holders = [name for name in files if not name.startswith("tests/") and WRITTEN_BY_HAND.search((ROOT / name).read_text())]
    assert holders == ["deploy/helm/elder-worker/Chart.yaml", "worker/version.py"]
