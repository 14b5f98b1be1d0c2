"""Things that a list has named and a later call does not find: deleted only when the list names them no more.

AWS says "not found" for other reasons too: a region that lags behind another, a call for another kind of the thing, a proxy's own idea of
an error. What is read as deleted is tombstoned, so the list is asked once more, and decides.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from providers.errors import Outcome, ScopeError
from providers.records import Incomplete


class Missing(msgspec.Struct, frozen=True):
    """One thing that was listed and not found: the types that its absence concerns, and the error that said so."""

    sub_types: tuple[str, ...]
    error: ScopeError

    def reports(self, reason: str) -> Iterator[Incomplete]:
        """The types as not read in full."""
        for sub_type in self.sub_types:
            yield Incomplete(sub_type, Outcome.ERROR, f"{self.error}; {reason}")


class NotFoundItems:
    """The parents and the items of one read that were not found, by key. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parents: dict[str, Missing] = {}
        self._items: dict[str, Missing] = {}

    def parent(self, key: str, missing: Missing) -> None:
        """Notes that a list below something was answered with "not found"."""
        with self._lock:
            self._parents.setdefault(key, missing)

    @property
    def first_parent(self) -> Missing | None:
        """The first parent whose list was answered with "not found"; None where there is none."""
        with self._lock:
            return next(iter(self._parents.values()), None)

    def item(self, key: str, missing: Missing) -> None:
        """Notes that an item of a list is left out, as a call for it was answered with "not found"."""
        with self._lock:
            self._items.setdefault(key, missing)

    def reports(self, parents: Iterable[str], items: Iterable[str]) -> Iterator[Incomplete]:
        """Reports what is not deleted after all. `parents` and `items` are the keys of what is listed now, read where they are needed."""
        yield from _still_listed(self._parents, parents)
        yield from _still_listed(self._items, items)


def _still_listed(missing: dict[str, Missing], keys: Iterable[str]) -> Iterator[Incomplete]:
    if not missing:
        return
    try:
        listed = {key for key in keys if key in missing}
    except ScopeError as error:
        for one in missing.values():
            yield from one.reports(f"whether it is deleted is not known, as the list cannot be read again: {error}")
        return
    for key in sorted(listed):
        yield from missing[key].reports("AWS lists it still, so it is not taken for deleted")


def key_of(*parts: Any) -> str:
    """A text that is the same for the same parts."""
    return json.dumps(parts, sort_keys=True, default=str)
