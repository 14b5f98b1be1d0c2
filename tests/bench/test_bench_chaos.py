"""The source of `make chaos` can be read: a run over it that reads nothing would compare nothing."""

from __future__ import annotations

import pytest

from bench.chaos.source import REGIONS, Chaos, ChaosConfig, resources
from bench.chaos.watch import EMPTY, Watch, panels
from providers.variables import NoSettings


def test_every_scope_is_read_and_has_what_the_comparison_expects():
    config = ChaosConfig(job=1, version=2, resources=60)
    reads = list(Chaos().open(config, NoSettings()).plan())
    assert [read.scopes[0].region for read in reads] == list(REGIONS)
    for read, region in zip(reads, REGIONS, strict=True):
        found = list(read.fetch())
        assert found == list(resources(config, region)) and len(found) > 50


def test_every_query_of_the_dashboards_is_asked_and_what_may_stay_empty_is_a_panel_of_theirs():
    found = list(panels())
    assert len(found) > 45 and {board for board, _, _ in found} == {"api", "connectors", "runs", "worker"}
    assert not [query for _, _, query in found if "$" in query]
    assert EMPTY.keys() <= {board for board, _, _ in found} | {f"{board}: {title}" for board, title, _ in found}


@pytest.mark.parametrize(
    ("values", "number"),
    [([], 0), ([[["1", "NaN"], ["2", "NaN"]]], 0), ([[["1", "NaN"], ["2", "0"]]], 1), ([[["1", "3"]], [["1", "+Inf"]]], 1)],
)
def test_a_series_counts_that_has_a_value_at_some_moment(values, number):
    watch = Watch(Answering({"result": [{"values": series} for series in values]}), "http://127.0.0.1:1")
    assert watch._series("up") == number


def test_a_panel_that_is_empty_for_no_known_reason_fails_the_run(capsys):
    assert Watch(Answering({"result": []}), "http://127.0.0.1:1").tell() > 30
    assert "the run has no connector" in capsys.readouterr().out


class Answering:
    """A Prometheus that gives the same answer to everything."""

    def __init__(self, data: dict) -> None:
        self._data = data

    def answer(self, path: str) -> dict:
        return self._data
