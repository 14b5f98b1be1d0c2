"""The Grafana dashboards and the alerts: each query names metrics and labels that the code publishes, and answers in a real Prometheus."""

from __future__ import annotations

import json
import pathlib
import re
import time

import promql_parser
import pytest
from peers.prometheus import RULES, needed, promtool, serving
from recorded_series import openmetrics, published
from waiting import until

from worker.health.metrics import ALWAYS, HELP, LABELS

ROOT = pathlib.Path(__file__).resolve().parents[2]
BOARDS = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "deploy" / "grafana").glob("*.json"))}
QUERIES = {
    f"{name}, {panel['title']}, {target['refId']}": target["expr"].replace("$__rate_interval", "5m")
    for name, board in BOARDS.items()
    for panel in board["panels"]
    for target in panel["targets"]
}
ALERTS = {rule["alert"]: rule["expr"] for rule in RULES}
OF_A_TARGET = {"instance"}
"""Labels that Prometheus adds."""


@pytest.fixture(scope="module")
def known() -> dict[str, set[str]]:
    """Name of each series as Prometheus knows it -> its labels."""
    found: dict[str, set[str]] = {}
    for line in openmetrics(steps=1).splitlines()[:-1]:
        name, labels = re.match(r"(\w+){(.*)} ", line).groups()
        found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    return found


def faults(query: str, known: dict[str, set[str]]) -> list[str]:
    """The metrics and labels of a query that nothing publishes."""
    selected, grouped = [], set()

    def visit(part) -> bool:
        if isinstance(part, promql_parser.VectorSelector):
            selected.append((part.name, {matcher.name for matcher in part.matchers.matchers}))
        elif isinstance(part, promql_parser.AggregateExpr) and part.modifier:
            grouped.update(part.modifier.labels)
        return True

    promql_parser.walk(promql_parser.parse(query), visit)
    assert selected, "a query that selects nothing shows nothing of ours"
    complaints = [f"no metric {name}" for name, _ in selected if name not in known]
    complaints += [f"{name} has no label {label}" for name, labels in selected for label in sorted(labels - known.get(name, set()))]
    labels = OF_A_TARGET.union(*(known.get(name, set()) for name, _ in selected))
    return complaints + [f"nothing here has the label {label}" for label in sorted(grouped - labels)]


@pytest.mark.parametrize(("query", "complaint"), [
    ("sum(rate(discovery_job_total[5m]))", "no metric discovery_job_total"),
    ('discovery_jobs_total{state="error"}', "discovery_jobs_total has no label state"),
    ("sum by (outcome) (rate(discovery_jobs_total[5m]))", "nothing here has the label outcome"),
])  # fmt: skip
def test_a_misspelt_query_is_named(known, query, complaint):
    """Else the tests below would hold for anything."""
    assert faults(query, known) == [complaint]


@pytest.mark.parametrize("query", [*QUERIES.values(), *ALERTS.values()], ids=[*QUERIES, *ALERTS])
def test_every_query_names_what_the_code_publishes(known, query):
    assert faults(query, known) == []


def test_the_tables_of_metrics_are_those_of_the_code():
    assert {name: labels for name, (_, labels) in published().items()} == LABELS
    assert set(HELP) == set(LABELS) and set(ALWAYS) <= set(LABELS)


def test_a_real_prometheus_answers_every_query_with_recorded_series(tmp_path):
    """Two hours of the code's own exposition, made into a database by promtool: no panel is empty, and no alert's expression fails."""
    needed()
    end = int(time.time()) - 60
    (tmp_path / "series.txt").write_text(openmetrics(steps=120, end=end))
    promtool("tsdb", "create-blocks-from", "openmetrics", tmp_path / "series.txt", tmp_path / "tsdb")
    with serving(tmp_path, {"global": {"scrape_interval": "1m"}}) as server:
        until(lambda: server.query("elder_worker_up", end), "Prometheus has no series")
        empty = [name for name, query in QUERIES.items() if not server.query(query, end)]
        refused = [name for name, query in ALERTS.items() if server.query(query, end) is None]
    assert (empty, refused) == ([], [])


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_can_be_imported_and_read(name):
    """Its ids are its own, its panels overlap nowhere, each says in a sentence what it shows, and asks the source that is chosen above."""
    board = BOARDS[name]
    assert board["uid"] == f"elder-{name}" and board["title"].startswith("Elder Worker: ")
    assert [variable["type"] for variable in board["templating"]["list"]] == ["datasource"]
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(numbers) == len(set(numbers))
    cells = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        taken = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert max(x for x, _ in taken) < 24 and not taken & cells, panel["title"]
        cells |= taken
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}
        assert panel["title"] and panel["targets"]


def test_every_alert_has_a_section_in_the_runbook():
    """With the alert's name as its heading, so that the link of the annotation leads there."""
    page = (ROOT / "docs" / "operations.md").read_text()
    anchors = {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    }
    assert {rule["annotations"]["runbook"].partition("#")[0] for rule in RULES} == {"docs/operations.md"}
    assert [rule["alert"] for rule in RULES if rule["annotations"]["runbook"].partition("#")[2] not in anchors] == []
    sections = re.findall(r"^### (Elder\w+)\n\n(.+?)\n(?=\n#|\Z)", page, re.MULTILINE | re.DOTALL)
    assert {name for name, text in sections if len(text.split()) > 15} == {rule["alert"] for rule in RULES}
