"""Series as Prometheus would have recorded them of a worker and an API: the code's own exposition, of state that grows step by step."""

from __future__ import annotations

import ast
import functools
import itertools
import json
import pathlib
import re
import time
from collections.abc import Iterator
from typing import Any

from api.app import create_app
from worker.config.settings import Settings
from worker.health.metrics import exposition

ROOT = pathlib.Path(__file__).resolve().parents[2]
STEP = 60
"""Seconds between two recordings."""
KINDS = {"set": "gauge", "count": "counter", "total": "counter", "Increment": "counter", "observe": "histogram", "Series": "histogram"}
NAMED_BY_SETTINGS = {"discovery_running": ("gauge", ()), "discovery_kill_latency_seconds": ("histogram", ())}
"""Metrics whose names the supervisor is told, or makes of the name of a pool."""
VALUES = {
    "status": ("completed", "error", "partial"),
    "error_kind": ("memory",),
    "outcome": ("complete", "denied"),
    "state": ("current", "abandoned"),
    "operation": ("created", "deleted"),
}
HISTOGRAM = ((0.1, 1.0), (1, 2), 3)


@functools.cache
def published() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Metric -> (kind, labels), as the calls in the code have them."""
    found = dict(NAMED_BY_SETTINGS)
    for path in (*(ROOT / "worker").rglob("*.py"), *(ROOT / "supervisor").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and (call := _metric(node)):
                found[call[0]] = call[1:]
    return found


def _metric(node: ast.Call) -> tuple[str, str, tuple[str, ...]] | None:
    """Name, kind and labels of a call that publishes a metric; None for other calls."""
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    name = given.pop("name", node.args[0] if node.args else None)
    if called not in KINDS or not isinstance(name, ast.Constant) or not re.fullmatch(r"[a-z]+(_[a-z]+)+", str(name.value)):
        return None
    labels = given.get("labels", node.args[1] if called == "Series" and len(node.args) > 1 else None)
    if isinstance(labels, ast.Dict):
        return name.value, KINDS[called], tuple(sorted(key.value for key in labels.keys))
    if isinstance(labels, ast.Name):  # a dictionary that the function has made above
        return name.value, KINDS[called], ("error_kind", "provider", "status")
    return name.value, KINDS[called], tuple(sorted(set(given) - {"amount"}))


def state(step: int, beat: float) -> dict[str, Any]:
    """The published state of a worker that has done as much as `step` says."""
    metrics = []
    for name, (kind, labels) in published().items():
        bounds, counts, count = HISTOGRAM
        numbers = {"buckets": bounds, "counts": [step * one for one in counts], "sum": step * 0.7, "count": step * count}
        every = itertools.product(*(VALUES.get(label, ("some",)) for label in labels))
        value = numbers if kind == "histogram" else step
        metrics += [(name, kind, dict(zip(labels, values, strict=True)), value) for values in every]
    return {
        "beat": beat,
        "started_at": 1.0,
        "draining": False,
        "spawn_problem": "",
        "metrics": metrics,
        "services": {"writer": {"restarts": step}},
        "pools": {"discovery": {"unkillable": 0}},
        "report": {"database": {"state": "up", "error": ""}, "metrics": []},
        "report_age": 0.0,
    }


def expositions(steps: int) -> Iterator[tuple[str, str]]:
    """What worker and API tell at each step."""
    nowhere = "postgresql://elder@127.0.0.1:1/elder"  # so that what needs the database answers 503
    app = create_app(Settings(elder_api_key="a-key-of-the-recording", database_url=nowhere))
    client = app.test_client()
    key = {"Authorization": "Bearer a-key-of-the-recording"}
    client.get("/entities", headers=key)
    app.extensions["elder"].pool.close()
    for step in range(steps):
        for path, headers in (("/healthz", {}), ("/made/up", key), ("/entities", {})):
            client.get(path, headers=headers)
        yield exposition(json.loads(json.dumps(state(step, time.monotonic()))), "")[0].decode(), client.get("/metrics", headers=key).text


def openmetrics(steps: int, end: float = 0.0) -> str:
    """The samples of so many steps, the last one at `end`, in the format that promtool makes a database of."""
    lines = []
    for number, texts in enumerate(expositions(steps)):
        moment = end - STEP * (steps - 1 - number)
        for text, instance in zip(texts, ("worker", "api"), strict=True):
            for line in text.splitlines():
                if not line.startswith("#") and "_created" not in line:
                    name, labels, value = re.fullmatch(r"(\w+)(?:{(.*)})? (\S+)", line).groups()
                    lines.append(f'{name}{{{labels + "," if labels else ""}instance="{instance}"}} {value} {moment}')
    return "\n".join([*lines, "# EOF\n"])
