"""Keeps the packages of release 07e0fda that read a source and store it, as `release.tar.xz`: ``python tests/upgrade/keep_release.py``.

The tests of upgrades run that release's own code against the peers of today, and need no history of the repository for it.
"""

from __future__ import annotations

import io
import pathlib
import subprocess
import tarfile

COMMIT = "07e0fda"
ARCHIVE = pathlib.Path(__file__).with_name("release.tar.xz")
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


def main() -> None:
    """Writes the archive, the same bytes each time."""
    plain = subprocess.run(["git", "archive", "--format=tar", COMMIT, *PARTS], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(plain)) as source, tarfile.open(ARCHIVE, "w:xz", preset=9) as kept:
        for member in source:
            kept.addfile(member, source.extractfile(member) if member.isfile() else None)
    print(f"{ARCHIVE.name}: {ARCHIVE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
