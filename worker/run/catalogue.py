"""Versions of catalogues: what a reading lacks is compared with the one before only if both were made by one catalogue."""

from __future__ import annotations

import hashlib
import pathlib
import sys
from collections.abc import Mapping
from functools import cache

import msgspec

from providers import catalogue, registry
from providers.described import Described


def version(provider: str, config: object) -> str:
    """A hash of the provider's package, of what all catalogues share, and of what the config leaves out and masks. Raises `ConfigError`."""
    chosen = [config.get(name) for name in ("ignore_fields", "mask_names")] if isinstance(config, Mapping) else []
    return hashlib.sha256(_of_package(provider) + msgspec.json.encode(chosen, order="sorted")).hexdigest()[:16]


@cache
def _of_package(provider: str) -> bytes:
    found = registry.get(provider)
    if isinstance(found, Described):
        return found.description.package.encode()
    digest = hashlib.sha256()
    for module in (type(found).__module__, catalogue.__name__):
        path = pathlib.Path(sys.modules[module].__file__ or "")
        for file in sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else (path,):
            digest.update(file.read_bytes())
    return digest.digest()
