"""Vendors' own descriptions of their APIs, from the packages in which they publish them: fetched once by npm, kept in .cache."""

from __future__ import annotations

import functools
import json
import pathlib
import shutil
import subprocess
import tarfile
import tempfile

import yaml
from peers.absent import missing
from peers.kept import CACHE, alone
from peers.openapi import Document

NPM = CACHE / "npm"


def published(name: str, version: str, file: str) -> pathlib.Path:
    """One file of an npm package."""
    kept = NPM / f"{name.replace('/', '-').lstrip('@')}-{version}-{pathlib.Path(file).name}"
    with alone(NPM):
        if not kept.exists():
            _fetch(name, version, file, kept)
    return kept


def _fetch(name: str, version: str, file: str, kept: pathlib.Path) -> None:
    if not shutil.which("npm"):
        missing(f"npm is not installed: it fetches {name}, the vendor's own description of its API")
    with tempfile.TemporaryDirectory(dir=NPM) as part:
        command = ["npm", "pack", "--silent", "--pack-destination", part, f"{name}@{version}"]
        done = subprocess.run(command, cwd=part, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            missing(f"npm cannot fetch {name}: {done.stderr.strip()[-300:]}")
        [packed] = pathlib.Path(part).glob("*.tgz")
        with tarfile.open(packed) as archive:
            archive.extract(f"package/{file}", part, filter="data")
        (pathlib.Path(part) / "package" / file).rename(kept)


@functools.cache
def okta() -> Document:
    """Okta's management API, 2.15: Swagger 2.0."""
    return Document(json.loads(published("@okta/openapi", "2.15.0", "dist/spec.json").read_text()))


@functools.cache
def authentik() -> Document:
    """Authentik's API: OpenAPI 3.0. YAML of that size takes seconds to read, so it is kept as JSON."""
    text = published("@goauthentik/api", "2026.8.3", "schema.yml")
    kept = text.with_suffix(".json")
    with alone(NPM):
        if not kept.exists():
            part = text.with_suffix(".part")
            part.write_text(json.dumps(yaml.load(text.read_text(), Loader=yaml.CSafeLoader)))
            part.rename(kept)
    return Document(json.loads(kept.read_text()), root="/api/v3")
