"""The image's bytes and its bill of materials: built again elsewhere and later it is the same, and what is in it is listed."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from peers.image import FOLDER, LIMITS, podman

pytestmark = pytest.mark.timeout(1800)  # the first one builds the image
ROOT = pathlib.Path(__file__).resolve().parents[2]
OWN = (".git", ".venv", ".cache")
"""Folders of a checkout that are the machine's own, and no part of the image's context."""


def run(image: str, *command: str) -> str:
    return podman("run", "--rm", "--network", "none", *LIMITS, image, *command)


def copied(folder: pathlib.Path) -> pathlib.Path:
    """A copy of this checkout with other times and the modes that another umask gives."""
    excluded = [f"--exclude=./{name}" for name in OWN]
    script = 'tar -C "$0" "${@:2}" -c . | tar -C "$1" -xm && chmod -R g+w "$1"'
    subprocess.run(["bash", "-o", "pipefail", "-c", script, str(ROOT), str(folder), *excluded], timeout=100, check=True)
    return folder


def history(about: dict) -> list[dict]:
    """How the image came about, without the names of layers that this machine has kept."""
    return [{name: value for name, value in step.items() if name != "comment"} for step in about["History"]]


def test_built_again_elsewhere_and_later_it_has_the_same_bytes(image, tmp_path):
    pip = pathlib.Path(sys.executable).parent / "pip"
    script = ROOT / "tests" / "container" / "build-image"
    command = [str(script), str(FOLDER), str(pip), str(copied(tmp_path)), "--no-cache"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1500)
    assert done.returncode == 0, done.stderr[-4000:]
    first, second = (json.loads(podman("image", "inspect", name))[0] for name in (image, done.stdout.strip()))
    assert first["RootFS"]["Layers"] == second["RootFS"]["Layers"]
    assert first["Config"] == second["Config"]
    assert history(first) == history(second)


@pytest.mark.parametrize(("extras", "there", "absent"), [("google_workspace", "google.auth", "boto3"), ("", "psycopg", "google.auth")])
def test_it_has_the_libraries_of_its_extras_and_no_others(image, extras, there, absent):
    """Under the names that the docs have, with the pip of Debian, which normalises none of them."""
    pip = pathlib.Path(sys.executable).parent / "pip"
    command = [str(ROOT / "tests" / "container" / "build-image"), str(FOLDER), str(pip), str(ROOT), "--build-arg", f"EXTRAS={extras}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1500)
    assert done.returncode == 0, done.stderr[-4000:]
    script = f"import importlib.util as i; import {there}, worker; print(i.find_spec('{absent.partition('.')[0]}'))"
    assert run(done.stdout.strip(), "python3", "-c", script) == "None\n"


def test_no_time_of_the_build_is_in_it(image):
    epoch = int(re.search(r"^epoch=(\d+)", (ROOT / "tests" / "container" / "build-image").read_text(), re.MULTILINE)[1])
    newer = run(image, "find", "/opt/elder", "/app", "/etc/passwd", "/etc/shadow", "-newermt", f"@{epoch}")
    assert newer == ""
    [line] = re.findall(r"^elder:.*", run_as_root(image, "cat", "/etc/shadow"), re.MULTILINE)
    assert int(line.split(":")[2]) == epoch // 86_400


def run_as_root(image: str, *command: str) -> str:
    return podman("run", "--rm", "--network", "none", "--user", "0", *LIMITS, image, *command)


def test_the_bill_of_materials_lists_what_pip_and_dpkg_list(image):
    text = run(image, "cat", "/opt/elder/sbom.json")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    listed = {
        kind: {one["purl"] for one in bill["components"] if one["purl"].startswith(f"pkg:{kind}/")} for kind in ("pypi", "deb", "generic")
    }
    installed = json.loads(run(image, "cat", "/opt/elder/packages.json"))["installed"]
    assert {one["name"] for one in bill["components"] if one["purl"] in listed["pypi"]} >= {one["metadata"]["name"] for one in installed}
    dpkg = run(
        image, "dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version} ${Architecture} ${source:Package} ${source:Version}\n"
    )
    rows = [line.split()[1:] for line in dpkg.splitlines() if line.startswith("installed ")]
    assert len(rows) > 50
    for name, version, architecture, source, source_version in rows:
        [purl] = [one for one in listed["deb"] if one.startswith(f"pkg:deb/debian/{name}@")]
        assert purl.startswith(f"pkg:deb/debian/{name}@{quoted(version)}?arch={architecture}&distro=debian-12&upstream={source}"), purl
        assert source_version == version or purl.endswith(quoted(f"{source}@{source_version}")), purl
    assert len(listed["deb"]) == len(rows)
    assert len(listed["generic"]) == 1


def quoted(text: str) -> str:
    return text.replace("+", "%2B").replace(":", "%3A").replace("@", "%40")


def test_the_files_of_the_image_are_its_root_users_and_nobody_else_writes_them(image):
    assert run(image, "find", "/opt/elder", "/app", "(", "!", "-user", "0", "-o", "-perm", "/022", ")", "!", "-type", "l") == ""
    assert os.environ.get("ELDER_TEST_IMAGE") or "sbom.json" in run(image, "ls", "/opt/elder")
