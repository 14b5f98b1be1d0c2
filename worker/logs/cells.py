"""Cells of tables and CSV: values from sources as text that neither a terminal nor a spreadsheet acts on."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable
from typing import Any

from supervisor.plain import plain

FORMULA = frozenset("=+-@|%\uff1d\uff0b\uff0d\uff20")
"""First characters of what a spreadsheet takes for a formula or a command; the last ones are their full-width forms."""

_INNER = re.compile(f"(;[\\s\u00a0\u3000'\"]*)(?=[{re.escape(''.join(sorted(FORMULA)))}])")
"""A semicolon before such a character: where it separates cells, quotes inside of a line do not keep one together, and a formula begins."""


def cell(value: Any) -> str:
    """A value as one line of plain text; empty for None."""
    return "" if value is None else plain(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def csv_text(columns: Iterable[str], rows: Iterable[Iterable[Any]], *, raw: bool = False) -> str:
    """Comma-separated values with a head. `raw` leaves every value as it is, for programs; else no cell is taken for a formula."""
    return csv_rows([columns], raw=True) + csv_rows(rows, raw=raw)


def csv_rows(rows: Iterable[Iterable[Any]], *, raw: bool = False) -> str:
    """Rows of comma-separated values without a head; `raw` as in `csv_text`."""
    text = io.StringIO()
    csv.writer(text).writerows([_raw(value) if raw else _harmless(value) for value in row] for row in rows)
    return text.getvalue()


def _raw(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def _harmless(value: Any) -> str:
    """The cell, behind a quote where a spreadsheet would take it for a formula; blanks and quotes before the first character do not count.

    So is what follows a semicolon inside. Numbers are not text, and stay as they are.
    """
    text = cell(value)
    if isinstance(value, int | float):
        return text
    text = _INNER.sub(r"\1'", text)
    return f"'{text}" if text.lstrip(" \u00a0\u3000'\"")[:1] in FORMULA else text
