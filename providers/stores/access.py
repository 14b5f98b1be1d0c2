"""Access to the stores of secrets that a job's config names: plain data, part of the START frame."""

from __future__ import annotations

from typing import Any

import msgspec


class StoreAccess(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Access to the stores that one config names. It holds the worker's sign-in to them."""

    settings: dict[str, dict[str, Any]]
    """Scheme of a reference -> the operator's settings for that store, by field."""
    timeout: float
    """Seconds that a store has to answer."""
    secrets: tuple[str, ...] = ()
    """The secrets among the settings, for a redactor."""
    files: tuple[str, ...] = ()
    """The files that the settings name."""
    confine_files: bool = True
    """True if the process keeps to the files of its job afterwards."""
    read_paths: tuple[str, ...] = ()
    """The files of its job, without those of the stores."""
