"""Troubles of a list that was read to its end: places that Google could not reach, warnings, and items that could not be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from providers.counted import are, counted
from providers.errors import Outcome, ScopeError
from providers.gcp.declaration import GcpKind, in_words
from providers.google.answers import UNREACHABLE
from providers.records import Incomplete

HARMLESS = frozenset({"NO_RESULTS_ON_PAGE", "DEPRECATED_RESOURCE_USED", "DEPRECATED_TYPE_USED", "EXPERIMENTAL_TYPE_USED"})
"""Warnings that do not mean that something is missing. Of any other we cannot be sure."""

_UNREACHABLE = frozenset({"UNREACHABLE", "REGION_UNREACHABLE"})


class Troubles:
    """The troubles of one type in one project, folder or organization."""

    def __init__(self, kind: GcpKind, account: str) -> None:
        self._kind, self._where = kind, in_words(account)
        self._silent: set[str] = set()
        self._warnings: dict[str, str] = {}
        self._unreadable: list[str] = []
        self._parents = 0
        self._failed: list[tuple[str, ScopeError]] = []
        self._skipped = 0

    def part(self, place: str, part: Mapping[str, Any]) -> None:
        """Notes what an answer, or its part for one place, says it lacks."""
        for field in UNREACHABLE:
            self._silent.update(map(_place_name, part.get(field) or ()))
        single = part.get("warning")
        for warning in (*((single,) if single else ()), *(part.get("warnings") or ())):
            self._warn(place or str(warning.get("region") or ""), warning)

    def _warn(self, place: str, warning: Mapping[str, Any]) -> None:
        code, text = str(warning.get("code", "")), str(warning.get("message", ""))
        if code in _UNREACHABLE:
            self._silent.add(place or text or "a part")
        elif code not in HARMLESS:
            self._warnings[place or self._where] = f"{code}: {text}"

    def without_id(self, sentence: str) -> None:
        """Notes an item that was left out because nothing names it; `sentence` says what it lacks."""
        self._unreadable.append(sentence)

    def parent_read(self) -> None:
        """Notes that the list under an item was read."""
        self._parents += 1

    def parent_failed(self, name: str, error: ScopeError) -> None:
        """Notes that the list under an item could not be read."""
        self._parents += 1
        self._failed.append((name, error))

    def parents_skipped(self, number: int) -> None:
        """Notes items whose lists were not asked for after too many refusals."""
        self._parents += number
        self._skipped += number

    def reports(self) -> Iterator[Incomplete]:
        """The report of all that is missing, in one sentence each; none where nothing is."""
        found = list(self._sentences())
        if found:
            outcome, _, permission = max(found, key=lambda one: one[0].gravity)
            yield Incomplete(self._kind.sub_type, outcome, "; ".join(sentence for _, sentence, _ in found), permission)

    def _sentences(self) -> Iterator[tuple[Outcome, str, str]]:
        here = self._where
        if self._failed:
            name, error = max(self._failed, key=lambda one: one[1].outcome.gravity)
            failed = len(self._failed) + self._skipped
            given_up = f"; the last {self._skipped} were not asked for any more" if self._skipped else ""
            sentence = f"{error} ({failed} of {self._parents} times in {here}, one is {name}{given_up})"
            yield error.outcome, sentence, str(getattr(error, "permission", ""))
        if self._silent:
            where = ", ".join(sorted(self._silent))
            yield Outcome.TIMEOUT, f"Google could not reach {where} of {here}: what is there was not read", ""
        for place, warning in self._warnings.items():
            yield Outcome.ERROR, f"Google warns that the list of {place} in {here} is not whole ({warning})", ""
        if self._unreadable:
            count = len(self._unreadable)
            yield Outcome.ERROR, f"{counted(count, 'item')} of {here} {are(count, past=True)} left out ({self._unreadable[0]})", ""


def _place_name(place: Any) -> str:
    return str(place.get("name", place)) if isinstance(place, Mapping) else str(place)
