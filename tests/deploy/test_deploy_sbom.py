"""The bill of materials, as `make sbom` writes it: CycloneDX by its own schema, and the packages that the lock names with the hashes that it gives."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOCK = ROOT / "deploy" / "requirements.lock"
PACKAGES = 6
PINNED = re.compile(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;\\]+)", re.MULTILINE)


def normal(name: str) -> str:
    """A name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def command() -> list[str]:
    """The command of `make sbom`, but for its output."""
    [line] = re.findall(r"^\t@\$\(BIN\)/(cyclonedx-py .*) -o dist/sbom\.json$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    tool, *arguments = line.split()
    return [str(pathlib.Path(sys.executable).parent / tool), *arguments]


def test_it_has_the_packages_of_the_lock_with_their_hashes():
    """The bill has the first packages only, as the check of thousands of hashes takes long. The tool checks it against CycloneDX's schema."""
    given = "\n".join(re.split(r"\n(?=\w)", LOCK.read_text())[:PACKAGES]) + "\n"
    words = ["-" if word == str(LOCK.relative_to(ROOT)) else word for word in command()]
    assert "-" in words and "--validate" in words
    done = subprocess.run([*words, "-o", "-"], cwd=ROOT, input=given, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    bill = json.loads(done.stdout)
    assert bill["bomFormat"] == "CycloneDX"
    found = {(normal(one["name"]), one["version"]): one for one in bill["components"]}
    pinned = {(normal(name), version) for name, version in PINNED.findall(given)}
    assert len(pinned) > 3 and set(found) == pinned
    hashes = {one["content"] for part in found.values() for reference in part["externalReferences"] for one in reference.get("hashes", ())}
    assert hashes == set(re.findall(r"sha256:([0-9a-f]{64})", given))
