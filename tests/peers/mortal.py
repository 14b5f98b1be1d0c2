"""Processes that do not outlive the test run, not even one that is killed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from typing import Any

MORTAL = ("setpriv", "--pdeathsig", "KILL", "--") if shutil.which("setpriv") else ()
"""In front of a command: the kernel kills it when the thread that started it ends. As setpriv becomes the command, the pid is the command's."""


def start(command: Sequence[str | os.PathLike[str]], **options: Any) -> subprocess.Popen:
    """As `subprocess.Popen`, to be called by a thread that lives as long as the process should."""
    return subprocess.Popen([*MORTAL, *command], **options)
