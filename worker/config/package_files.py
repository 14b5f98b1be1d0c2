"""The files of third parties' packages: what they hold is hashed, so that a job runs the code that was described and no other."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
from importlib.metadata import EntryPoint
from pathlib import Path

from providers import registry
from providers.errors import ConfigError
from providers.provider import Description
from providers.third_party import unusable

MOST_FILES, MOST_BYTES = 20_000, 512 * 1024 * 1024
"""Largest number of files and of bytes of a package that is hashed."""


def check_unchanged(description: Description) -> None:
    """Raises `ConfigError` when the package is not the one that was described: a job would run other code than was asked about."""
    point = registry.installed().points.get(description.name)
    if point is None:
        raise ConfigError(f"the package of provider '{description.name}' is not installed here")
    stamp = [(str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in _files(point) if path.exists()]
    if _stamps.get(description.name) != stamp:
        if package_hash(point) != description.package:
            raise ConfigError(f"the package of provider '{description.name}' has changed since this worker started: start the worker again")
        _stamps[description.name] = stamp


_stamps: dict[str, list[tuple[str, int, int]]] = {}
"""Name of a provider -> paths, times and sizes of its package's files when their hash was last right."""


def package_hash(point: EntryPoint) -> str:
    """A hash of the files of an entry point's package. Raises `ConfigError` for one that is too large, or that runs code everywhere."""
    digest, size = hashlib.sha256(), 0
    for number, path in enumerate(_files(point)):
        if path.suffix == ".pth" or path.name in ("sitecustomize.py", "usercustomize.py"):
            raise _unusable(point, f"{path.name} of its package is run by every Python process of this environment")
        with contextlib.suppress(OSError):
            size += path.stat().st_size
            if number >= MOST_FILES or size > MOST_BYTES:
                raise _unusable(point, f"its package has more than {MOST_FILES:,} files or {MOST_BYTES:,} bytes")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _unusable(point: EntryPoint, reason: str) -> ConfigError:
    return ConfigError(unusable(point.name, reason))


def _files(point: EntryPoint) -> list[Path]:
    """The package's files: those that its metadata list, and those of its top-level module, which an editable install does not list."""
    listed = point.dist.files if point.dist is not None else None
    found = {Path(str(file.locate())) for file in listed or ()}
    with contextlib.suppress(ImportError, ValueError, AttributeError):
        spec = importlib.util.find_spec(point.module.partition(".")[0])
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            found |= {path for path in Path(folder).rglob("*.py") if len(found) <= MOST_FILES}
        if spec and spec.origin and not spec.submodule_search_locations:
            found.add(Path(spec.origin))
    return sorted(path for path in found if "__pycache__" not in path.parts)
