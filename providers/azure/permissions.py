"""The caller's permissions by Azure's own rules: an action is allowed when some grant's `actions` match it and its `notActions` do not."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from typing import Any


class Permissions:
    """The caller's permissions on one subscription, as `Microsoft.Authorization/permissions` lists them."""

    def __init__(self, grants: Iterable[Mapping[str, Any]]) -> None:
        self._grants = [(_lower(g.get("actions")), _lower(g.get("notActions"))) for g in grants]

    def allow(self, action: str) -> bool:
        """True for an action that is allowed. Azure compares without case and knows only the wildcard ``*``."""
        wanted = action.lower()
        return any(_matches(wanted, actions) and not _matches(wanted, excluded) for actions, excluded in self._grants)


def _lower(patterns: Any) -> list[str]:
    return [pattern.lower() for pattern in patterns if isinstance(pattern, str)] if isinstance(patterns, list | tuple) else []


def _matches(action: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(action, pattern) for pattern in patterns)
