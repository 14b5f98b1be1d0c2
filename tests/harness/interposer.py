"""Faults at the wire of a source, page by page, and the judgement of what was read: a scope is complete and exact, or it is not complete.

An `Interposer` stands in front of a fake or a real server. It knows lists by their key (address and parameters without those that move from
page to page) and counts the pages of each. Each round gives some lists a fault at one of their pages; the world as it is after the round is
read without faults, and a scope that was complete must have what was there before and after, and nothing that never was.
"""

from __future__ import annotations

import collections
import copy
import dataclasses
import random
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from providers.collected import Collected
from providers.errors import Outcome
from providers.records import Scope

FAULTS = ("refused", "cut", "repeated", "circle", "large", "broken", "delete", "empty", "insert")
"""What may become of a page. ``circle``: from this page on the first one, for ever; ``delete`` and ``empty``: items go before the page is given."""

CHANGES, MOST_CHANGES = ("delete", "empty", "insert"), 8
"""Changes of the world, and how many of them one list has in a round: a list that grows at each page would have no end."""

PAGES = 4
"""Pages of a list among which the one with the fault is chosen."""


@dataclasses.dataclass
class Fault:
    """What happens to one list in one round; `lasting`: at every page from that one on."""

    kind: str
    page: int
    lasting: bool
    hit: int = 0

    def applies(self, page: int) -> bool:
        lasts = self.lasting or self.kind == "circle"
        return page == self.page or (page > self.page and lasts and (self.kind not in CHANGES or self.hit < MOST_CHANGES))


@dataclasses.dataclass
class Wire:
    """How a source's protocol says what an `Interposer` wants: each makes an answer, or changes one.

    `items` gives the list that holds the items of an answer; `name` what is unique in an item; `more` whether the answer says that a page
    follows. `change`, where the world can be changed for
    real, does so to a list and returns whether it did.
    """

    refuse: Callable[[], Any]
    cut: Callable[[], Any]
    large: Callable[[], Any]
    broken: Callable[[], Any]
    items: Callable[[Any], list | None]
    name: Callable[[Any], str]
    change: Callable[[str, str, random.Random], bool] | None = None
    changes: Callable[[str], bool] = lambda _key: False
    """True for the lists that `change` can change."""
    more: Callable[[Any], bool] = lambda _answer: False


class Interposer:
    """In front of one source. `spared` are keys whose loss would end the run with nothing read."""

    def __init__(self, wire: Wire, seed: int, spared: Callable[[str], bool] = lambda _key: False) -> None:
        self.wire, self.random, self.spared = wire, random.Random(seed), spared
        self.lists: dict[str, int] = {}
        self.faults: dict[str, Fault] = {}
        self.applied: collections.Counter[str] = collections.Counter()
        self.interleavings: set[tuple[str, str, int, bool]] = set()
        self.gone: dict[str, set[str]] = collections.defaultdict(set)
        self._asked: collections.Counter[str] = collections.Counter()
        self._given: dict[str, list[Any]] = collections.defaultdict(list)
        self._lock = threading.Lock()

    def calm(self) -> None:
        """A round without faults."""
        self.faults = {}
        self._begin()

    def unfinished(self) -> list[str]:
        """The lists of which the last page that was given says that another follows: nobody asked for it."""
        return sorted(key for key, given in self._given.items() if given and self.wire.more(given[-1]))

    def disturb(self, kinds: Iterable[str] = FAULTS, share: float = 0.4) -> None:
        """A round in which about that share of the lists have a fault."""
        kinds, self.faults = list(kinds), {}
        for key in sorted(self.lists):
            if not self.spared(key) and self.random.random() < (1.0 if self.wire.changes(key) else share):
                self.faults[key] = self._fault(key, kinds)
        self._begin()

    def _fault(self, key: str, kinds: list[str]) -> Fault:
        """A fault for a list; where offsets count rows, a change between two pages more often than not."""
        pages = max(1, min(self.lists[key], PAGES))
        if self.wire.changes(key) and pages > 1 and self.random.random() < 0.85:
            kind = self.random.choice([kind for kind in CHANGES if kind in kinds])
            return Fault(kind, self.random.randrange(1, pages), self.random.random() < 0.5)
        return Fault(self.random.choice(kinds), self.random.randrange(pages), self.random.random() < 0.3)

    def _begin(self) -> None:
        self._asked.clear()
        self._given.clear()

    def answer(self, key: str, forward: Callable[[], Any]) -> Any:
        """The answer to one request for a page of a list."""
        with self._lock:
            page = self._asked[key]
            self._asked[key] += 1
            self.lists[key] = max(self.lists.get(key, 0), page + 1)
            fault = self.faults.get(key)
            kind = fault.kind if fault and fault.applies(page) else ""
            if kind:
                instead, done = self._instead(kind, key, page)
                if done and fault:
                    self._count(key, fault)
                if instead is not None:
                    return instead
        answer = self._without_gone(key, forward())
        with self._lock:
            self._given[key].append(answer)
        return answer

    def _count(self, key: str, fault: Fault) -> None:
        fault.hit += 1
        if fault.hit == 1:
            self.applied[fault.kind] += 1
            self.interleavings.add((key, fault.kind, fault.page, fault.lasting))

    def _instead(self, kind: str, key: str, page: int) -> tuple[Any, bool]:
        """An answer in the place of the source's own, and whether the fault has come about."""
        if kind in ("refused", "cut", "large", "broken"):
            make = {"refused": self.wire.refuse, "cut": self.wire.cut, "large": self.wire.large, "broken": self.wire.broken}[kind]
            return make(), True
        given = self._given[key]
        if kind in ("repeated", "circle"):
            return (copy.deepcopy(given[-1 if kind == "repeated" else 0]), True) if given else (None, False)
        if self.wire.change is not None and self.wire.change(key, kind, self.random):
            return None, True
        if kind in ("delete", "empty"):
            self.gone[key].add(f"{page}:{kind}")
            return None, True
        return None, False

    def _without_gone(self, key: str, answer: Any) -> Any:
        """The answer without the items that have gone meanwhile: of a cursor, the place is kept, and the page is shorter."""
        found = self.wire.items(answer)
        if not found or not self.gone[key]:
            return answer
        with self._lock:
            marks, named = self.gone[key], self.gone[f"{key} names"]
            for mark in [mark for mark in marks if ":" in mark]:
                names = [self.wire.name(item) for item in found]
                named.update(names if mark.endswith(":empty") else [self.random.choice(names)])
                marks.discard(mark)
                marks.add("applied")
            found[:] = [item for item in found if self.wire.name(item) not in named]
        return answer


class Verdicts:
    """The judgement of many rounds."""

    def __init__(self) -> None:
        self.scopes = self.complete = 0
        self.wrong: list[str] = []

    def judge(self, before: Collected, during: Collected, after: Collected, faults: Mapping[str, Fault]) -> None:
        """Compares each scope that was complete with the world before and after."""
        for scope, report in during.reports.items():
            self.scopes += 1
            if report.outcome is not Outcome.COMPLETE or report.rejected:
                continue
            self.complete += 1
            was, found, now = (ids(one, scope) for one in (before, during, after))
            missing, never = (was & now) - found, found - (was | now)
            if missing or never:
                hit = {key: fault for key, fault in faults.items() if fault.hit}
                self.wrong.append(f"{scope}: without {sorted(missing)[:3]}, with {sorted(never)[:3]}; {list(hit.items())}")


def ids(collected: Collected, scope: Scope) -> set[str]:
    """What a run found in a scope."""
    return {resource.external_id for resource in collected.found.get(scope, ())}


def rounds(interposer: Interposer, read: Callable[[], Collected], count: int, kinds: Iterable[str] = FAULTS) -> Verdicts:
    """So many rounds of faults, each between two readings without. A round that ends the run judges nothing.

    Readings are compared with each other, and each without faults with what the source said: it has asked for all that there was.
    """
    verdicts = Verdicts()
    interposer.calm()
    before = read()
    unread = [report for report in before.reports.values() if report.outcome not in (Outcome.COMPLETE, Outcome.UNSUPPORTED)]
    assert before.reports and not unread, unread
    assert not (left := interposer.unfinished()), left
    for _ in range(count):
        interposer.disturb(kinds)
        during = read()
        faults = dict(interposer.faults)
        interposer.calm()
        after = read()
        assert not (left := interposer.unfinished()), left
        verdicts.judge(before, during, after, faults)
        before = after
    return verdicts
