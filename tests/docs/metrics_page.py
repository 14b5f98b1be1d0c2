"""docs/metrics.md: every metric of worker and API with its labels and alerts, as the code publishes them and deploy/prometheus names them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml
from prometheus_client.parser import text_string_to_metric_families
from recorded_series import ROOT, expositions

from worker.health.metrics import HELP, LABELS

ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"

HEAD = """# Metrics

<!-- Made by `make generated` from the code; do not edit. -->

What `/metrics` tells, for Prometheus. How to scrape it, and what each alert asks of a person: [Monitoring](operations.md#monitoring). A counter's name ends in
`_total`; a histogram has the series `_bucket`, `_sum` and `_count`.
"""

WORKER = """
## Of a worker

`GET /metrics` on its health port (8000).

"""

API = """
## Of the API

`GET /metrics` on its own port (5000), with a key of the role `read`.

"""


def page() -> str:
    """The page."""
    worker, api = next(expositions(1))
    return HEAD + WORKER + _table(worker) + API + _table(api)


def _table(text: str) -> str:
    alerts = _alerts()
    rows = [f"| `{name}` | {kind} | {labels} | {help_} | {_of(alerts, name)} |" for name, kind, labels, help_ in sorted(_metrics(text))]
    return "\n".join(("| metric | kind | labels | meaning | alerts |", "|---|---|---|---|---|", *rows)) + "\n"


def _metrics(text: str) -> Iterator[tuple[str, str, str, str]]:
    for family in text_string_to_metric_families(text):
        if family.name.endswith("_created"):
            continue
        name = f"{family.name}_total" if family.type == "counter" else family.name
        known = LABELS.get(name) or LABELS.get(family.name) or {label for sample in family.samples for label in sample.labels} - {"le"}
        labels = ", ".join(f"`{label}`" for label in sorted(known))
        yield name, family.type, labels, HELP.get(name) or HELP.get(family.name) or family.documentation


def _alerts() -> dict[str, str]:
    """Alert -> its expression."""
    rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    return {rule["alert"]: rule["expr"] for rule in rules}


def _of(alerts: dict[str, str], metric: str) -> str:
    named = [name for name, expression in alerts.items() if re.search(rf"\b{metric}(_bucket|_sum|_count)?\b", expression)]
    return ", ".join(f"[{name}](operations.md#{name.lower()})" for name in named)
