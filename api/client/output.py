"""Output of commands: a table that fits the terminal, JSON, JSON lines, YAML or CSV."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from api.client.documents import yaml
from worker.logs.cells import cell, csv_rows, csv_text

FORMATS = ("table", "json", "jsonl", "yaml", "csv", "csv-raw")
NARROWEST = 8
"""Characters that a column keeps when a table does not fit."""


def show(one: dict[str, Any], output: str) -> None:
    """Prints one thing: its fields as two columns, JSON or YAML. Raises `ClientError`."""
    if output in ("json", "jsonl"):
        _print(_json(one, output))
    elif output == "yaml":
        _print(yaml(one), end="")
    else:
        rows({"field": name, "value": value} for name, value in one.items()) if output == "table" else many([one], tuple(one), output)


def many(found: Iterable[dict[str, Any]], columns: Sequence[str], output: str, empty: str = "") -> None:
    """Prints a list, or of an empty table the sentence `empty` on stderr. Raises `ClientError`.

    JSON lines and YAML are printed as they come; the other forms hold the list whole.
    """
    match output:
        case "jsonl":
            for one in found:
                _print(_json(one, output))
        case "json":
            _print(_json(list(found), output))
        case "yaml":
            _print_yaml(found)
        case "csv" | "csv-raw":
            _print(csv_text(columns, ([one.get(name) for name in columns] for one in found), raw=output == "csv-raw"), end="")
        case _:
            rows(({name: one.get(name) for name in columns} for one in found), empty)


def stream(found: Iterable[dict[str, Any]], form: str) -> None:
    """Prints a list as JSON lines or CSV with all fields, row by row as they come."""
    head = form != "jsonl"
    for one in found:
        if form == "jsonl":
            _print(_json(one, form))
            continue
        _print((csv_rows([one], raw=True) if head else "") + csv_rows([one.values()], raw=form == "csv-raw"), end="")
        head = False


def _print_yaml(found: Iterable[dict[str, Any]]) -> None:
    """Prints a list of YAML, an item at a time."""
    empty = True
    for one in found:
        _print(yaml([one]), end="")
        empty = False
    if empty:
        _print("[]")


def rows(found: Iterable[dict[str, Any]], empty: str = "") -> None:
    """Prints a table; on a terminal, cells are cut so that each row is one line. Without a row, stdout stays empty."""
    table = [{name: cell(value) for name, value in one.items()} for one in found]
    if not table:
        sys.stderr.write(empty and f"{empty}\n")
        return
    widths = {name: max(len(name), *(len(row[name]) for row in table)) for name in table[0]}
    if sys.stdout.isatty():
        widths = _fitted(widths, shutil.get_terminal_size().columns)
    _print(_line({name: name for name in widths}, widths))
    for row in table:
        _print(_line(row, widths))


def _fitted(widths: dict[str, int], columns: int) -> dict[str, int]:
    """The widths, the widest made narrower until a row fits."""
    fitted = dict(widths)
    while sum(fitted.values()) + 2 * (len(fitted) - 1) > columns and max(fitted.values()) > NARROWEST:
        widest = max(fitted, key=lambda name: fitted[name])
        fitted[widest] -= 1
    return fitted


def _line(row: dict[str, str], widths: dict[str, int]) -> str:
    return "  ".join(_cut(row[name], width).ljust(width) for name, width in widths.items()).rstrip()


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _json(value: Any, output: str) -> str:
    return json.dumps(value, ensure_ascii=True, indent=2 if output == "json" else None)


def _print(text: str, end: str = "\n") -> None:
    sys.stdout.write(text + end)
