"""Output of commands: a table (`api.client.table`), JSON, JSON lines, YAML or CSV."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from api.client import table
from api.client.documents import yaml
from worker.logs.cells import csv_rows, csv_text

FORMATS = ("table", "json", "jsonl", "yaml", "csv", "csv-raw")


def show(one: dict[str, Any], output: str) -> None:
    """Prints one thing: its fields, JSON or YAML. Raises `ClientError`."""
    if output in ("json", "jsonl"):
        _print(_json(one, output))
    elif output == "yaml":
        _print(yaml(one), end="")
    else:
        _show_fields(one) if output == "table" else many([one], tuple(one), output)


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


def rows(found: Iterable[Mapping[str, Any]], empty: str = "") -> None:
    """Prints a table. Without a row, stdout stays empty, and `empty` is on stderr."""
    lines = list(table.rows(found))
    for line in lines:
        _print(line)
    if not lines:
        sys.stderr.write(empty and f"{empty}\n")


def _show_fields(one: Mapping[str, Any]) -> None:
    """Prints the fields of one thing, and then its lists of things as a table each, under their names."""
    parts = {name: value for name, value in one.items() if value and _is_list_of_things(value)}
    for line in table.fields({name: value for name, value in one.items() if name not in parts}):
        _print(line)
    for name, value in parts.items():
        _print(f"\n{name}")
        rows(value)


def _is_list_of_things(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _json(value: Any, output: str) -> str:
    return json.dumps(value, ensure_ascii=True, indent=2 if output == "json" else None)


def _print(text: str, end: str = "\n") -> None:
    sys.stdout.write(text + end)
