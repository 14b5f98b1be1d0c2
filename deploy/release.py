"""The release of the commit that is checked out: its wheel, its source distribution and their checksums, in dist/.

``make dist`` builds them and refuses a commit that is not ready for a release; ``make dist SNAPSHOT=--snapshot`` builds any commit.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import pathlib
import re
import subprocess
import sys
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parent.parent
VERSION = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)
RELEASE = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}")


def git(root: pathlib.Path, *arguments: str) -> str:
    """The output of a git command in that checkout."""
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def version(root: pathlib.Path) -> str:
    """The version of that checkout, from the one file that has it."""
    [found] = VERSION.findall((root / "worker" / "version.py").read_text())
    return found


def obstacles(root: pathlib.Path) -> Iterator[str]:
    """A sentence for each thing that keeps the commit from being a release."""
    found = version(root)
    if not RELEASE.fullmatch(found):
        yield f"worker/version.py: {found!r} is not a version of the form MAJOR.MINOR.PATCH"
    if not re.search(rf"^## \[{re.escape(found)}\] - \d{{4}}-\d\d-\d\d$", (root / "CHANGELOG.md").read_text(), re.MULTILINE):
        yield f"CHANGELOG.md has no heading `## [{found}] - YYYY-MM-DD`: put it below `## [Unreleased]`, above what this release brings"
    if changed := git(root, "status", "--porcelain").splitlines():
        yield f"the checkout has changes that are not committed: {', '.join(line.split()[-1] for line in changed[:5])}"
    if f"v{found}" not in git(root, "tag", "--points-at", "HEAD").split():
        yield f"this commit has no tag v{found}: git tag -a v{found} -m 'Elder Worker {found}'"


def build(root: pathlib.Path, folder: pathlib.Path) -> list[pathlib.Path]:
    """Writes the source distribution, the wheel that is made of it, and SHA256SUMS. The wheel has the same bytes each time."""
    environ = os.environ | {"SOURCE_DATE_EPOCH": git(root, "log", "-1", "--format=%ct")}
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(root)]
    subprocess.run(command, check=True, env=environ, stdout=subprocess.DEVNULL)
    built = sorted(folder.glob(f"elder_worker-{version(root)}*"))
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in built]
    (folder / "SHA256SUMS").write_text("".join(lines))
    return built


def main(arguments: list[str] | None = None, root: pathlib.Path = ROOT) -> int:
    """Exit code 0: built; 1: the commit is not a release, and stderr says why."""
    parser = argparse.ArgumentParser(description="Builds the wheel and the source distribution into dist/.")
    parser.add_argument("--snapshot", action="store_true", help="builds a commit that is not a release, too")
    chosen = parser.parse_args(arguments)
    if not chosen.snapshot and (found := list(obstacles(root))):
        sys.stderr.write("".join(f"no release: {sentence}\n" for sentence in found))
        return 1
    for path in build(root, root / "dist"):
        sys.stdout.write(f"{path.relative_to(root)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
