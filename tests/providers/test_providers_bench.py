"""The configs with which the bench opens each provider are ones that it takes."""

from __future__ import annotations

import pytest

from bench.sources import config_of
from providers import registry, schema


@pytest.mark.parametrize("name", registry.names())
def test_the_bench_can_open_each_provider(name):
    """A config that a provider no longer takes would end `make bench`, which CI does not run."""
    provider = registry.get(name)
    assert schema.parse(provider.config, config_of(provider))
