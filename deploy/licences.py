"""The licences of the Python packages of an environment: one line for each, then their texts.

The Dockerfile writes them into the image as /opt/elder/LICENSES.txt.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import PurePosixPath

NAMES = ("licen", "copying", "notice", "copyright")
"""How the names of files with such a text begin."""

PREFIX = "License :: "


def licence(package: Distribution) -> str:
    """Returns the licence that the package's metadata name, in one line."""
    about = package.metadata
    told = about.get("License-Expression") or about.get("License") or ""
    classified = [value.removeprefix(PREFIX) for name, value in about.items() if name == "Classifier" and value.startswith(PREFIX)]
    return told.strip().partition("\n")[0][:100] or "; ".join(classified) or "see its text"


def texts(package: Distribution) -> Iterator[str]:
    """The licence texts that the package has brought along."""
    for file in package.files or ():
        path = PurePosixPath(file)
        if any(part.endswith(".dist-info") for part in path.parts) and path.name.lower().startswith(NAMES):
            yield file.locate().read_text(encoding="utf-8", errors="replace").strip()


def lines() -> Iterator[str]:
    """The file, line by line."""
    packages = sorted(distributions(), key=lambda package: package.name.lower())
    yield from (f"{package.name} {package.version}: {licence(package)}" for package in packages)
    for package in packages:
        for text in texts(package):
            yield f"\n{'=' * 100}\n{package.name} {package.version}\n\n{text}"


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in lines())
