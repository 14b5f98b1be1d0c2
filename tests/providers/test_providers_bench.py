"""The configs with which the bench opens each provider are ones that it takes."""

from __future__ import annotations

import pytest

from bench.sources import config_of
from providers import registry, schema


@pytest.mark.parametrize("name", registry.names())
def test_the_bench_can_open_each_provider(name):
    """What a provider asks for may change, and nothing else runs the bench."""
    provider = registry.get(name)
    assert schema.parse(provider.config, config_of(provider))
