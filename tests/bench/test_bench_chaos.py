"""The source of `make chaos` can be read: a run over it that reads nothing would compare nothing."""

from __future__ import annotations

from bench.chaos.source import REGIONS, Chaos, ChaosConfig, resources
from providers.variables import NoSettings


def test_every_scope_is_read_and_has_what_the_comparison_expects():
    config = ChaosConfig(job=1, version=2, resources=60)
    reads = list(Chaos().open(config, NoSettings()).plan())
    assert [read.scopes[0].region for read in reads] == list(REGIONS)
    for read, region in zip(reads, REGIONS, strict=True):
        found = list(read.fetch())
        assert found == list(resources(config, region)) and len(found) > 50
