"""Keeps the code of earlier releases as archives beside this file: ``python tests/upgrade/keep_release.py``.

`release.tar.xz` has the packages of release 07e0fda that read a source and store it, `previous.tar.xz` all packages of the release before this one
(or the first commit from which releases work side by side). Tests run that code, and need no history of the repository for it, which a shallow
clone or a source archive has not. When a release is made, `PREVIOUS` becomes its commit, and this is run again.
"""

from __future__ import annotations

import io
import pathlib
import subprocess
import sys
import tarfile

HERE = pathlib.Path(__file__).parent
COMMIT, PREVIOUS = "07e0fda", "32b5d09"
PARTS = (
    "providers",
    "supervisor/__init__.py",
    "supervisor/errors.py",
    "supervisor/frames.py",
    "supervisor/messages.py",
    *(f"worker/{name}.py" for name in ("__init__", "elder_api", "fingerprints", "wire")),
    "worker/store",
    *(f"worker/writer/{name}.py" for name in ("__init__", "inventory", "outcome", "queue")),
)


PACKAGES = ("providers", "supervisor", "worker", "api")


def main() -> None:
    """Writes the archives, the same bytes each time."""
    keep(COMMIT, PARTS, HERE / "release.tar.xz")
    keep(PREVIOUS, PACKAGES, HERE / "previous.tar.xz")


def keep(commit: str, parts: tuple[str, ...], archive: pathlib.Path) -> None:
    """Writes parts of a commit as an archive."""
    done = subprocess.run(["git", "archive", "--format=tar", commit, *parts], capture_output=True, check=False)
    if done.returncode:
        sys.exit(
            f"commit {commit} is not in this repository's history (a shallow clone?): {done.stderr.decode().strip()}; try git fetch --unshallow"
        )
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as source, tarfile.open(archive, "w:xz", preset=9) as kept:
        for member in source:
            kept.addfile(member, source.extractfile(member) if member.isfile() else None)
    print(f"{archive.name}: {archive.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
