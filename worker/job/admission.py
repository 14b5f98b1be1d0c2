"""Checks a job's config, which API callers write, against what the operator allows: providers and file paths.

The API checks when a job is created, so that the caller learns at once; the worker checks again before it starts the job and decides,
because its settings and its file system apply.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from providers.errors import ConfigError
from providers.provider import prefix_of
from worker.config.references import IS_OWN, holds

PATH_ENDINGS = ("_path", "_file")
"""Endings of config keys that name a file."""

LONGEST_PATH = 4096
"""Most characters of a path; the kernel's limit in bytes (PATH_MAX)."""


def check_switched_on(enabled: bool | None, provider: str) -> None:
    """Raises `ConfigError` for a provider that its switch (``AWS_ENABLED=false``) has switched off."""
    if enabled is False:
        raise ConfigError(f"{prefix_of(provider)}ENABLED=false: no jobs of provider '{provider}' are run")


def named_files(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Key and path of each top-level config key that names a file."""
    for key, value in config.items():
        if key.endswith(PATH_ENDINGS) and isinstance(value, str) and value:
            yield key, value


def check_files(config: Mapping[str, Any], allowed: Sequence[str], own: Sequence[str] = ()) -> tuple[str, ...]:
    """Returns the files that a job's config names. Raises `ConfigError` as `check_paths` does."""
    return check_paths(((f"`{key}`", path) for key, path in named_files(config)), allowed, own)


def check_paths(named: Iterable[tuple[str, str]], allowed: Sequence[str], own: Sequence[str] = ()) -> tuple[str, ...]:
    """Returns the paths of pairs of who names a path, and the path.

    Raises `ConfigError` for paths outside DISCOVERY_ALLOWED_PATHS, and for `own` files of the worker's settings and folders above them.
    """
    folders, files = [Path(folder).resolve() for folder in allowed], list(named)
    listed = os.pathsep.join(map(str, folders)) or "empty"
    complaints = tuple(
        f"{who}: {path[:200]} is not under a folder that jobs may read (DISCOVERY_ALLOWED_PATHS is {listed})"
        for who, path in files
        if "\0" in path or len(path) > LONGEST_PATH or not any(Path(path).resolve().is_relative_to(folder) for folder in folders)
    )
    complaints = complaints or tuple(f"{who}: {path[:200]} {IS_OWN}" for who, path in files if any(holds(path, one) for one in own))
    if complaints:
        raise ConfigError(complaints=complaints)
    return tuple(path for _, path in files)
