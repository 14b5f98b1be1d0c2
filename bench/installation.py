"""An installation of this tree as a user has it: with one provider, in an environment of its own, without the tests' tools."""

from __future__ import annotations

import contextlib
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from bench import ROOT

PARTS = ("api", "docs", "providers", "supervisor", "worker", "pyproject.toml", "setup.cfg", "README.md", "MANIFEST.in")
"""Files and folders from which the package is built. They are copied, as a build leaves folders of its own beside them."""


@contextlib.contextmanager
def installed() -> Iterator[str]:
    """The Python of such an environment, whose packages are compiled as pip compiles them."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        source, environment = pathlib.Path(folder, "source"), pathlib.Path(folder, "environment")
        source.mkdir()
        for part in PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
            copy(ROOT / part, source / part)
        uv, python = str(pathlib.Path(sys.executable).with_name("uv")), str(environment / "bin" / "python")
        subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(environment)], check=True)
        subprocess.run([uv, "pip", "install", "-q", "--compile-bytecode", "--python", python, f"{source}[kubernetes]"], check=True)
        yield python
