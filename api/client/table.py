"""Tables of text: in a pipe each row is one line as long as it is; on a terminal the lines fit it, and statuses have colours."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from api.client import columns
from api.client.colours import painted
from worker.logs.cells import cell

NARROWEST = 16
"""Characters that a column of names keeps where a table does not fit. All else is shown whole, as a part of it would say nothing."""

LABELS = {
    "entities_discovered": "found",
    "entities_created": "created",
    "entities_updated": "updated",
    "entities_deleted": "deleted",
    "schedule_interval": "every",
    "schedule_cron": "cron",
    "incomplete_scopes": "incomplete",
    "abandoned_scopes": "abandoned",
    "resource_type": "type",
    "last_outcome": "outcome",
}
"""Headings that are shorter than the API's names. Of a time's name, `_at` is left out."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_CUT = frozenset({"name", "entity", "target_name", "events", "waiting_for"})
_RECENT = 180 * 86_400
"""Seconds before and after now in which a time is shown without its year, as `ls` does."""
_GAP = 2
_INDENT = "    "


def rows(found: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The lines of a table, its head first; none without a row."""
    table = list(found)
    names = list(dict.fromkeys(name for one in table for name in one))
    if not table:
        return
    if not sys.stdout.isatty():
        texts = [{name: cell(one.get(name)) for name in names} for one in table]
        yield from _lines(texts, _natural(texts, names), ())
        return
    texts = [{name: _short(name, one.get(name)) for name in names} for one in table]
    yield from _lines(texts, *_fitted(texts, _columns()))


def fields(one: Mapping[str, Any]) -> Iterator[str]:
    """The lines of one thing, a field each: name and value. On a terminal, long values go on below themselves."""
    width = max(map(columns.width, ("field", *one))) + _GAP
    room = max(_columns() - width, NARROWEST) if sys.stdout.isatty() else 0
    yield f"{'field':<{width}}value"
    for name, value in one.items():
        first, *more = columns.wrapped(cell(value), room) or [""] if room else [cell(value)]
        yield f"{columns.padded(name, width)}{painted(name, first)}".rstrip()
        yield from (" " * width + line for line in more)


def _lines(texts: Sequence[Mapping[str, str]], widths: Mapping[str, int], below: Sequence[str]) -> Iterator[str]:
    """The head and the rows; what is `below` stands under its row, each value behind its name, where there is one."""
    yield "  ".join(_label(name).ljust(width) for name, width in widths.items()).rstrip()
    for row in texts:
        cut = {name: columns.cut(row[name], width) for name, width in widths.items()}
        yield "  ".join(painted(name, text) + " " * (widths[name] - columns.width(text)) for name, text in cut.items()).rstrip()
        more = "  ".join(f"{_label(name)}: {row[name]}" for name in below if row[name])
        yield from columns.wrapped(more, _columns(), _INDENT)


def _natural(texts: Sequence[Mapping[str, str]], names: Iterable[str]) -> dict[str, int]:
    """The width of each column in which nothing is cut."""
    return {name: max(len(_label(name)), *(columns.width(row[name]) for row in texts)) for name in names}


def _fitted(texts: Sequence[Mapping[str, str]], room: int) -> tuple[dict[str, int], list[str]]:
    """The widths of the columns that fit, and the names of those that do not and stand below their rows.

    Where the table is too wide, empty columns are left out, then the last ones are moved below until the others fit when names are
    cut; then the widest of these are cut.
    """
    widths = _natural(texts, texts[0])
    below: list[str] = []
    if _total(widths) > room:
        widths = {name: width for name, width in widths.items() if any(row[name] for row in texts)}
    least = {name: min(width, max(NARROWEST, len(_label(name)))) if name in _CUT else width for name, width in widths.items()}
    while _total(least) > room and len(least) > 1:
        below.insert(0, least.popitem()[0])
    fitted = {name: min(widths[name], room) for name in least}
    while _total(fitted) > room and fitted != least:
        widest = max((name for name in fitted if fitted[name] > least[name]), key=lambda name: fitted[name])
        fitted[widest] -= 1
    return fitted, below


def _total(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + _GAP * (len(widths) - 1)


def _label(name: str) -> str:
    return LABELS.get(name) or (name if name == "at" else name.removesuffix("_at"))


def _short(name: str, value: Any) -> str:
    """A value for people: a time to the minute, an interval as it is entered."""
    if name == "schedule_interval" and isinstance(value, int):
        return next((f"{value // size}{unit}" for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)) if value % size == 0), f"{value}s")
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return cell(", ".join(value))
    if isinstance(value, dict) and name == "changes":
        return cell(", ".join(value))
    return _TIME.sub(_moment, cell(value))


def _moment(time: re.Match[str]) -> str:
    """A time in UTC: month, day and minute, or the date where it is half a year away."""
    moment = dt.datetime.fromisoformat(time[0])
    far = abs((dt.datetime.now(dt.UTC) - moment).total_seconds()) > _RECENT
    return f"{moment:%Y-%m-%d}" if far else f"{moment:%m-%d %H:%M}"


def _columns() -> int:
    return shutil.get_terminal_size().columns
