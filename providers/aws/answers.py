"""Answers that several resource types need in one place: each call is made once, and threads that need it meanwhile wait for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from providers.aws.failure import RAISED
from providers.concurrency import OncePerKey
from providers.errors import ProviderError


class Answers:
    """Answers by call. They are kept as long as a read of the place may ask, so only short lists belong here."""

    def __init__(self) -> None:
        self._lists = OncePerKey[str, list[Any]](kept=(*RAISED, ProviderError))

    def of(self, service: str, operation: str, parameters: dict[str, Any], ask: Callable[[], Iterable[Any]]) -> list[Any]:
        """Everything that `ask` gives. Raises what `ask` raised, for every caller: the same call would fail again."""
        key = json.dumps([service, operation, parameters], sort_keys=True, default=str)
        return self._lists.get(key, lambda: list(ask()))
