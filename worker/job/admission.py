"""The doors between a job's config, which comes from whoever may call the API, and what the operator of the service allows.

The API looks at them when a job is made, so that whoever makes it hears at once; the worker looks again before it starts one, and has the
last word, because its settings and its file system are those that count.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from providers.errors import ConfigError

PATH_ENDINGS = ("_path", "_file")
"""A config key that ends so names a file."""

LONGEST_PATH = 4096
"""Characters: the kernel takes no more bytes (PATH_MAX)."""


def check_switched_on(enabled: Mapping[str, bool | None], provider: str) -> None:
    """Raises `ConfigError` for a provider that AWS_ENABLED=false and the like have switched off."""
    if enabled.get(provider) is False:
        raise ConfigError(f"{provider.upper()}_ENABLED=false: no jobs of provider '{provider}' are run")


def named_files(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(key, path) of the config's keys that name files, at its top level, where schemas have them. One with a ``_`` in front is a note."""
    for key, value in config.items():
        if key.endswith(PATH_ENDINGS) and not key.startswith("_") and isinstance(value, str) and value:
            yield key, value


def check_files(config: Mapping[str, Any], allowed: Sequence[str]) -> tuple[str, ...]:
    """The files that a job's config names. Raises `ConfigError` for those that are not under DISCOVERY_ALLOWED_PATHS."""
    folders = [Path(folder).resolve() for folder in allowed]
    files = dict(named_files(config))
    listed = os.pathsep.join(map(str, folders)) or "empty"
    complaints = tuple(
        f"`{key}`: {path[:200]} is not under a folder that jobs may read (DISCOVERY_ALLOWED_PATHS is {listed})"
        for key, path in files.items()
        if "\0" in path or len(path) > LONGEST_PATH or not any(Path(path).resolve().is_relative_to(folder) for folder in folders)
    )
    if complaints:
        raise ConfigError(complaints=complaints)
    return tuple(files.values())
