"""The bill of materials of an image, as CycloneDX: its Python packages and interpreter, and the Debian packages of its base.

The Dockerfile writes it into the image as /opt/elder/sbom.json. It has neither a time nor a number of its own: the same packages give
the same bytes.
"""

from __future__ import annotations

import json
import platform
import re
import sys
from collections.abc import Iterator
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from licences import licence

STATUS, RELEASE = Path("/var/lib/dpkg/status"), Path("/etc/os-release")


def python_packages() -> Iterator[dict[str, Any]]:
    """The packages of this environment, and those of the interpreter that it was made with."""
    yield _component("python", platform.python_version(), f"pkg:generic/python@{platform.python_version()}", "application")
    base = f"{sys.base_prefix}/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    found = {(package.name, package.version): package for package in distributions(path=[*sys.path, base])}
    for (name, number), package in found.items():
        purl = f"pkg:pypi/{re.sub('[-_.]+', '-', name).lower()}@{quote(number, safe='')}"
        yield _component(name, number, purl) | {"licenses": [{"license": {"name": licence(package)}}]}


def debian_packages(status: Path, release: Path) -> Iterator[dict[str, Any]]:
    """The packages that dpkg has installed, each with its source package, which Debian's advisories name; none on other systems."""
    if not status.exists():
        return
    system = dict(re.findall(r'^(ID|VERSION_ID)="?([^"\n]*)', release.read_text(), re.MULTILINE))
    for stanza in status.read_text().split("\n\n"):
        field = dict(re.findall(r"^([\w-]+): (.*)$", stanza, re.MULTILINE))
        if not field.get("Status", "").endswith(" installed"):
            continue
        source, _, other = field.get("Source", field["Package"]).partition(" ")
        upstream = f"{source}@{other.strip('()')}" if other else source
        about = f"arch={field['Architecture']}&distro={system['ID']}-{system.get('VERSION_ID', '')}&upstream={quote(upstream, safe='')}"
        yield _component(
            field["Package"], field["Version"], f"pkg:deb/{system['ID']}/{field['Package']}@{quote(field['Version'], safe='')}?{about}"
        )


def _component(name: str, number: str, purl: str, kind: str = "library") -> dict[str, Any]:
    return {"type": kind, "name": name, "version": number, "purl": purl, "bom-ref": purl}


def bill(status: Path = STATUS, release: Path = RELEASE) -> dict[str, Any]:
    """The document, its components in the order of their names."""
    components = [*python_packages(), *debian_packages(status, release)]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": "elder-worker", "version": version("elder-worker")}},
        "components": sorted(components, key=lambda one: str(one["bom-ref"])),
    }


if __name__ == "__main__":
    json.dump(bill(), sys.stdout, indent=1)
