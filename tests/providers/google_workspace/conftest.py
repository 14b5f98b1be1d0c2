"""A customer behind the contract server, and a connector that reads it without waiting."""

from __future__ import annotations

import pytest
from peers.google_customer import ADMIN, Customer

from providers import registry, schema
from providers.collected import Collected
from providers.http import retry
from providers.runner import run
from providers.testing import operator_of


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(retry, "wait", lambda seconds: None)


@pytest.fixture
def customer(google):
    return Customer(google)


@pytest.fixture
def read(google):
    """Reads the customer: a function that gives what was collected."""

    def reading(**config) -> Collected:
        provider, collected = registry.get("google_workspace"), Collected()
        raw = {"admin_email": ADMIN, "credentials": google.key(), **config}
        source = provider.open(schema.parse(provider.config, raw), operator_of(provider, google.operator))
        try:
            collected.tally = run(source, collected)
        finally:
            source.close()
        return collected

    return reading
