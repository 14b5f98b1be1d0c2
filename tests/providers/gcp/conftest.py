"""For tests of the provider gcp."""

from __future__ import annotations

import pytest
from gcp_population import populate
from recorder import Recorder

from providers import registry
from providers.http import retry
from providers.runner import run
from providers.schema import parse
from providers.testing import operator_of


@pytest.fixture
def company(company):
    """The company with items of every type."""
    populate(company)
    return company


@pytest.fixture
def no_waiting(monkeypatch):
    """Patience without its seconds."""
    monkeypatch.setattr(retry, "wait", lambda seconds: None)


@pytest.fixture
def opened(company, no_waiting):
    """The source over the company: a function of changes to the quick start's config."""
    sources = []

    def open_source(operator=None, **changes):
        provider = registry.get("gcp")
        config = {key: value for key, value in company.config(**changes).items() if value is not None}
        sources.append(provider.open(parse(provider.config, config), operator_of(provider, {**company.operator, **(operator or {})})))
        return sources[-1]

    yield open_source
    for source in sources:
        source.close()


@pytest.fixture
def read(opened):
    """One whole run of it."""

    def whole(operator=None, **changes) -> Recorder:
        sink = Recorder()
        sink.tally = run(opened(operator, **changes), sink)
        return sink

    return whole
