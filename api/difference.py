"""The difference between two JSON values as steps: each names one place, and what was added, removed, changed or moved there.

Items of a list are matched by a key that identifies them (`id`, `Arn`, `name` ...), else by their whole value. Of those, the longest
subsequence that is common to both lists has kept its place, and the others have moved. Of what is left over, an item that was removed and
one that was added are one changed item when they have most of their fields in common. `apply` gives the new value from the old one and
the steps.
"""

from __future__ import annotations

import bisect
import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

Operation = Literal["add", "remove", "change", "move"]
Path = tuple[str | int, ...]

DEEPEST = 50
"""Levels that are compared field by field; what is below is compared whole."""

PAIRS = 2500
"""Most pairs of a removed and an added item that are compared to find changed ones."""

BLOCKS = 40_000
"""Most pairs of items that are compared to match those that occur several times."""

NAMED = 3
"""Fields that name an item without a key."""

_KEYS = ("id", "uid", "arn", "selflink", "key", "name", "email", "type")
_KEY = re.compile(r"(?:Id|ID|Arn|ARN|Key|Name|_id|_arn|_key|_name)$")


class Step(NamedTuple):
    """One difference. Numbers in `path` are positions in the old list; of an item that is added, and in `to`, in the new one."""

    operation: Operation
    path: Path
    where: str
    """The path for people, with items by their names: ``IpPermissions[tcp].IpRanges``."""
    before: Any = None
    after: Any = None
    to: int | None = None


def steps(old: Any, new: Any, path: Path = (), where: str = "") -> list[Step]:
    """The steps from one value to the other; none when they are equal."""
    return list(_steps(old, new, path, where))


def steps_of(changes: Mapping[str, Sequence[Any]]) -> list[Step]:
    """The steps of a recorded change, ``{field: [before, after]}``; a field that was not there is null."""
    found: list[Step] = []
    for field, (before, after) in changes.items():
        if before is None or after is None:
            found.append(Step("add" if before is None else "remove", (field,), field, before, after))
        else:
            found += _steps(before, after, (field,), field)
    return found


def apply(old: Any, found: Iterable[Step]) -> Any:
    """The new value: the old one after the steps."""
    found = list(found)
    for step in found:
        if not step.path:
            return step.after
    if not found:
        return old
    inner: dict[str | int, list[Step]] = {}
    for step in found:
        if len(step.path) > 1 or step.operation == "change":
            inner.setdefault(step.path[0], []).append(step._replace(path=step.path[1:]))
    own = [step for step in found if len(step.path) == 1 and step.operation != "change"]
    return _applied_to_fields(old, own, inner) if isinstance(old, dict) else _applied_to_items(old, own, inner)


def _applied_to_fields(old: dict[str, Any], own: list[Step], inner: dict[Any, list[Step]]) -> dict[str, Any]:
    removed = {step.path[0] for step in own if step.operation == "remove"}
    new = {name: apply(value, inner.get(name, ())) for name, value in old.items() if name not in removed}
    return new | {str(step.path[0]): step.after for step in own if step.operation == "add"}


def _applied_to_items(old: list[Any], own: list[Step], inner: dict[Any, list[Step]]) -> list[Any]:
    items = [apply(item, inner.get(place, ())) for place, item in enumerate(old)]
    leave = {step.path[0] for step in own if step.operation in ("remove", "move")}
    enter = {
        _entry(step): items[int(step.path[0])] if step.operation == "move" else step.after for step in own if step.operation != "remove"
    }
    new = [item for place, item in enumerate(items) if place not in leave]
    for place in sorted(enter):
        new.insert(place, enter[place])
    return new


def _entry(step: Step) -> int:
    """The position of an added or moved item in the new list."""
    return int(step.path[0]) if step.to is None else step.to


def _steps(old: Any, new: Any, path: Path, where: str) -> Iterator[Step]:
    if _token(old) == _token(new):
        return
    if len(path) < DEEPEST and isinstance(old, dict) and isinstance(new, dict):
        yield from _fields(old, new, path, where)
    elif len(path) < DEEPEST and isinstance(old, list) and isinstance(new, list):
        yield from _items(old, new, path, where)
    else:
        yield Step("change", path, where, old, new)


def _fields(old: dict[str, Any], new: dict[str, Any], path: Path, where: str) -> Iterator[Step]:
    dot = "." if where else ""
    for name in [*old, *(name for name in new if name not in old)]:
        place, text = (*path, name), f"{where}{dot}{name}"
        if name not in new:
            yield Step("remove", place, text, before=old[name])
        elif name not in old:
            yield Step("add", place, text, after=new[name])
        else:
            yield from _steps(old[name], new[name], place, text)


def _items(old: list[Any], new: list[Any], path: Path, where: str) -> Iterator[Step]:
    key = _key(old, new)
    matched = _matched(old, new, key)
    left = [place for place in range(len(old)) if place not in matched]
    fresh = sorted(set(range(len(new))) - set(matched.values()))
    matched |= _similar(old, new, left, fresh)
    in_order = _increasing(sorted(matched.items()))
    for place, item in enumerate(old):
        to = matched.get(place)
        if to is None:
            yield Step("remove", (*path, place), where, before=item)
            continue
        text = f"{where}[{_name(item, new[to], key)}]"
        yield from _steps(item, new[to], (*path, place), text)
        if place not in in_order:
            yield Step("move", (*path, place), text, item, new[to], to)
    yield from (Step("add", (*path, place), where, after=new[place]) for place in sorted(set(range(len(new))) - set(matched.values())))


def _key(old: list[Any], new: list[Any]) -> str | None:
    """The field that identifies the items of both lists: all have it, each with another value, and some are in both lists."""
    items = [*old, *new]
    if not all(isinstance(item, dict) for item in items):
        return None
    shared = [name for name in items[0] if all(isinstance(item.get(name), str | int) for item in items)] if items else []
    for name in sorted((name for name in shared if name.lower() in _KEYS or _KEY.search(name)), key=_rank):
        before, after = ([_token(item[name]) for item in side] for side in (old, new))
        if len(set(before)) == len(before) and len(set(after)) == len(after) and set(before) & set(after):
            return str(name)
    return None


def _rank(name: str) -> tuple[int, str]:
    return (_KEYS.index(name.lower()) if name.lower() in _KEYS else len(_KEYS), name)


def _matched(old: list[Any], new: list[Any], key: str | None) -> dict[int, int]:
    """Position in the old list -> position in the new one, of items with the same key, or equal ones."""
    before, after = ([_token(item[key] if key else item) for item in side] for side in (old, new))
    found = _blocks(before, after) if len(set(before)) < len(before) or len(set(after)) < len(after) else {}
    taken = set(found.values())
    waiting: dict[bytes, list[int]] = {}
    for place in reversed(range(len(after))):
        if place not in taken:
            waiting.setdefault(after[place], []).append(place)
    for place, token in enumerate(before):
        if place not in found and waiting.get(token):
            found[place] = waiting[token].pop()
    return found


def _blocks(before: list[bytes], after: list[bytes]) -> dict[int, int]:
    """Items that occur several times, matched by what stands beside them: equal ends first, then the longest equal parts."""
    start, shorter = 0, min(len(before), len(after))
    while start < shorter and before[start] == after[start]:
        start += 1
    end = 0
    while end < shorter - start and before[-1 - end] == after[-1 - end]:
        end += 1
    found = {place: place for place in range(start)}
    found |= {len(before) - 1 - place: len(after) - 1 - place for place in range(end)}
    rest, others = before[start : len(before) - end], after[start : len(after) - end]
    if len(rest) * len(others) <= BLOCKS:
        for block in difflib.SequenceMatcher(None, rest, others, autojunk=False).get_matching_blocks():
            found |= {start + block.a + place: start + block.b + place for place in range(block.size)}
    return found


def _similar(old: list[Any], new: list[Any], left: list[int], fresh: list[int]) -> dict[int, int]:
    """Pairs of a removed and an added item that have most of their fields in common, the most similar first."""
    if len(left) * len(fresh) > PAIRS:
        return {}
    pairs = sorted(
        (-likeness, place, to)
        for place in left
        for to in fresh
        if isinstance(old[place], dict) and isinstance(new[to], dict) and (likeness := _likeness(old[place], new[to])) > 0.5
    )
    found: dict[int, int] = {}
    for _, place, to in pairs:
        if place not in found and to not in found.values():
            found[place] = to
    return found


def _likeness(old: dict[str, Any], new: dict[str, Any]) -> float:
    """The share of their fields that are equal, without empty ones."""
    names = {name for item in (old, new) for name, value in item.items() if value not in (None, "", [], {})}
    return sum(_token(old.get(name)) == _token(new.get(name)) for name in names) / len(names) if names else 0.0


def _increasing(pairs: list[tuple[int, int]]) -> set[int]:
    """The old positions of the longest sequence of pairs whose new positions increase: these items have kept their order."""
    ends: list[int] = []
    tails: list[int] = []
    before: list[int | None] = []
    for number, (_, to) in enumerate(pairs):
        length = bisect.bisect_left(ends, to)
        before.append(tails[length - 1] if length else None)
        ends[length : length + 1], tails[length : length + 1] = [to], [number]
    kept: set[int] = set()
    number_or_end = tails[-1] if tails else None
    while number_or_end is not None:
        kept.add(pairs[number_or_end][0])
        number_or_end = before[number_or_end]
    return kept


def _name(old: Any, new: Any, key: str | None) -> str:
    """The name of a matched item: the value of its key, else those of its first fields that have not changed, else its value."""
    if key:
        return str(old[key])
    if not isinstance(old, dict) or not isinstance(new, dict):
        return _token(old).decode()[:40]
    equal = [name for name, value in old.items() if isinstance(value, str | int) and value != "" and _token(value) == _token(new.get(name))]
    return " ".join(f"{name}={old[name]}" for name in equal[:NAMED])


def _token(value: Any) -> bytes:
    """A value as JSON, the same for equal values only: true is not 1, and 1 is not 1.0."""
    return msgspec.json.encode(value, order="deterministic")
