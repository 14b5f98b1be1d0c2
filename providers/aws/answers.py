"""The answers that several kinds need in one place: each call is made once, and who comes meanwhile waits for it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from typing import Any

from providers.aws.failure import RAISED
from providers.errors import ProviderError


class Answers:
    """What was answered, by call. They are kept for as long as a read of the place may ask, so only short lists belong here."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[str, _Once] = {}

    def of(self, service: str, operation: str, parameters: dict[str, Any], ask: Callable[[], Iterable[Any]]) -> list[Any]:
        """All that `ask` gives. Raises what `ask` raised, for all who need them: the calls that it stands for would fail alike."""
        key = json.dumps([service, operation, parameters], sort_keys=True, default=str)
        with self._lock:
            once = self._made.setdefault(key, _Once())
        return once.pages(ask)


class _Once:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pages: list[Any] | None = None
        self._error: Exception | None = None

    def pages(self, ask: Callable[[], Iterable[Any]]) -> list[Any]:
        with self._lock:
            if self._error is not None:
                raise self._error
            if self._pages is None:
                try:
                    self._pages = list(ask())
                except (*RAISED, ProviderError) as error:
                    self._error = error
                    raise
            return self._pages
