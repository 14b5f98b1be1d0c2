"""Failures of single items of a list that was read to its end."""

from __future__ import annotations

import collections
import threading
from collections.abc import Iterator

from providers.aws.declaration import AwsKind
from providers.errors import Outcome, ScopeError
from providers.records import Incomplete


class Troubles:
    """Counts items that could not be read in full, by what was wrong. It must not hide behind a complete list.

    A failure of some items leaves the list complete, with a note; one of all items is that of the scope.
    """

    def __init__(self, kind: AwsKind, target: str) -> None:
        self._kind, self._target = kind, target
        self._lock = threading.Lock()
        self._failures: collections.Counter[tuple[type[ScopeError], str]] = collections.Counter()
        self._first: dict[tuple[type[ScopeError], str], ScopeError] = {}
        self._of_a_parent: ScopeError | None = None
        self.items = 0

    def add(self, error: ScopeError, permission: str, times: int = 1) -> None:
        """A call failed for items that are stored without what it would have told."""
        key = (type(error), permission)
        with self._lock:
            self._failures[key] += times
            self._first.setdefault(key, error)

    def add_parent(self, error: ScopeError) -> None:
        """A parent has no such list, which is not to say an empty one."""
        self._of_a_parent = error

    def reports(self) -> Iterator[Incomplete]:
        """Returns the failure of the most items, and that of a parent."""
        if self._of_a_parent is not None:
            yield Incomplete.because(self._kind.sub_type, self._of_a_parent)
        if self._failures:
            key, times = self._failures.most_common(1)[0]
            outcome = self._first[key].outcome if times >= self.items else Outcome.COMPLETE
            yield Incomplete(
                self._kind.sub_type, outcome, self._sentence(self._first[key], times), getattr(self._first[key], "permission", "")
            )

    def _sentence(self, error: ScopeError, times: int) -> str:
        return f"{error}; that is so for {times} of {self.items} in {self._target}, which keep what is stored of it"
