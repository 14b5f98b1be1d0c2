"""The address of the API that ``elder-worker up`` runs, for other commands of this machine: in a file that is locked while it runs."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import TextIO

FILE = "api"


def announce(folder: Path, url: str) -> TextIO:
    """Writes the address; it is found until the returned file is closed, or until this process ends, however that is."""
    file = (folder / FILE).open("a+")
    fcntl.flock(file, fcntl.LOCK_EX)
    file.truncate(0)
    file.write(url)
    file.flush()
    return file


def find(folder: Path) -> str:
    """The address of the API that runs with its data in `folder`; empty when none does."""
    try:
        with (folder / FILE).open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return (folder / FILE).read_text()
    except OSError:
        return ""
    return ""
