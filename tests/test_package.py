"""What an installation holds: the wheel has every file that the code reads, and the lock of the image has what setup.cfg asks for."""

from __future__ import annotations

import configparser
import pathlib
import re
import subprocess
import sys
import zipfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = {".sql", ".html", ".css", ".js", ".svg", ".json", ".typed"}
TAKES_NO_PART = "hostile"


def test_the_wheel_has_every_file_that_the_repository_has(tmp_path):
    """A file in a folder without an __init__.py is easily forgotten, and an editable installation does not miss it."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "-w",
        str(tmp_path),
        str(ROOT),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=100)
    [wheel] = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(["git", "ls-files", "supervisor", "providers", "worker", "api"], cwd=ROOT, capture_output=True, text=True)
    wanted = {name for name in tracked.stdout.split() if pathlib.Path(name).suffix in DATA | {".py"}}
    assert len(wanted) > 150
    assert not {name for name in wanted - packed if TAKES_NO_PART not in name}
    assert not {name for name in packed if TAKES_NO_PART in name}
    pages = {name.rpartition("/")[2] for name in packed if ".data/data/share/man/man1/" in name}
    assert pages == {"elder.1", "elder-worker.1"}, "the manual pages are installed"


def locked() -> dict[str, str]:
    """Name -> version of deploy/requirements.lock."""
    text = (ROOT / "deploy" / "requirements.lock").read_text()
    entries = re.split(r"\n(?=[a-z0-9])", text)
    assert all("--hash=sha256:" in entry for entry in entries if "==" in entry)
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;]+)", text, re.MULTILINE))


def wanted_by_the_image() -> list[str]:
    """The requirements of what the Dockerfile installs when it is told nothing."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    extras = config["options.extras_require"]
    named = re.findall(r"[\w-]+", extras["all"].partition("[")[2])
    lines = config["options"]["install_requires"] + "".join(extras[name] for name in [*named, "psycopg2"])
    return [line for line in lines.splitlines() if line]


@pytest.mark.parametrize("requirement", wanted_by_the_image())
def test_the_lock_has_what_setup_cfg_asks_for(requirement):
    from packaging.requirements import Requirement

    asked, found = Requirement(requirement), locked()
    assert asked.name in found, f"{asked.name} is not in deploy/requirements.lock: run `make lock`"
    assert found[asked.name] in asked.specifier, "run `make lock`"


def test_the_lock_names_no_registry():
    assert not re.search(r"https?://|--index|--find-links", (ROOT / "deploy" / "requirements.lock").read_text())
