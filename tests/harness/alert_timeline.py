"""Timelines of what a program really published: its expositions, a minute apart, on which promtool evaluates an alert."""

from __future__ import annotations

import json
import pathlib
import re
import time
from typing import Any

from peers.prometheus import promtool
from prometheus_client.parser import text_string_to_metric_families

QUIET = 10
"""Minutes for which the first exposition holds."""

START = "process_start_time_seconds"


class Timeline:
    """The expositions of one program: the first as it had just started, the last with the cause of an alert."""

    def __init__(self) -> None:
        self._columns: list[dict[str, float]] = []

    def record(self, exposition: str) -> None:
        """Keeps an exposition. Timestamps become seconds before now, as promtool's clock begins at 0."""
        now, found = time.time(), {}
        for family in text_string_to_metric_families(exposition):
            for sample in family.samples:
                labels = ",".join(f"{name}={json.dumps(value)}" for name, value in sorted(sample.labels.items()))
                found[f"{sample.name}{{{labels}}}"] = sample.value - now if _is_moment(sample.name) else sample.value
        self._columns.append(found)

    def end(self) -> None:
        """Ends the timeline's series: the program publishes nothing more."""
        self._columns.append({})

    def check(self, folder: pathlib.Path, rule: dict[str, Any], minutes: int) -> None:
        """Fails unless the alert is silent while the first exposition holds, and fires once the last has held for so many minutes."""
        assert len(self._columns) > 1, "nothing was recorded before the cause, or nothing after it"
        self._check(
            folder, rule, minutes, [{name: column[name] for name in column if not name.startswith(START)} for column in self._columns]
        )

    def check_burst(self, folder: pathlib.Path, rule: dict[str, Any], minutes: int) -> None:
        """Fails unless the alert also fires when the first scrape of the program finds the last exposition, with all that it has counted."""
        self._check(folder, rule, minutes, [{}, self._columns[-1]])

    def _check(self, folder: pathlib.Path, rule: dict[str, Any], minutes: int, columns: list[dict[str, float]]) -> None:
        (folder / "rule.json").write_text(json.dumps({"groups": [{"name": "one", "rules": [rule]}]}))
        test = {
            "interval": "1m",
            "input_series": [{"series": series, "values": _values(series, columns, minutes)} for series in _read_by(rule["expr"], columns)],
            "promql_expr_test": [
                _firing(rule, QUIET - 1, []),
                _firing(rule, QUIET + len(columns) + minutes, [{"labels": "{}", "value": 1}]),
            ],
        }
        file = folder / "alert.test.json"
        file.write_text(json.dumps({"rule_files": ["rule.json"], "evaluation_interval": "1m", "tests": [test]}))
        promtool("test", "rules", file)


def _is_moment(name: str) -> bool:
    """True for metrics that are Unix times."""
    return name.endswith("_timestamp") or name == START


def _read_by(expression: str, columns: list[dict[str, float]]) -> list[str]:
    """The series that were published and whose names are in an expression."""
    names = set(re.findall(r"[a-z_]+", expression))
    return sorted({series for column in columns for series in column if series.partition("{")[0] in names})


def _values(series: str, columns: list[dict[str, float]], minutes: int) -> str:
    """The values of a series as promtool reads them; a moment that holds grows older."""
    first, *later, last = [column.get(series) for column in columns]
    moment = _is_moment(series.partition("{")[0])
    values = [
        _value(None if value is None else value + 60 * minute * moment) for minute, value in enumerate([first] * QUIET + [*later, last])
    ]
    held = "_" if last is None else values[-1]
    return " ".join([*values[:-1], "stale" if last is None else held, f"{held}x{minutes}"])


def _value(number: float | None) -> str:
    return "_" if number is None else repr(number)


def _firing(rule: dict[str, Any], minute: int, wanted: list[dict[str, Any]]) -> dict[str, Any]:
    """A test of whether the alert fires at that minute."""
    firing = f'count(ALERTS{{alertname="{rule["alert"]}",alertstate="firing"}}) > bool 0'
    return {"expr": firing, "eval_time": f"{minute}m", "exp_samples": wanted}
