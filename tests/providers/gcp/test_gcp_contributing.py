"""The worked example of CONTRIBUTING.md for a type of Google Cloud, executed."""

from __future__ import annotations

import pathlib
import re

import pytest
import test_gcp_catalogue
from catalogue_suite import TYPO, misspellings

from providers.catalogue.kinds import LinkRule
from providers.gcp.declaration import GcpKind


@pytest.fixture
def kind() -> GcpKind:
    text = (pathlib.Path(__file__).parents[3] / "CONTRIBUTING.md").read_text()
    found = re.search(r"<!-- executed by \S+: gcp type -->\n```python\n(.*?)```", text, re.DOTALL)
    assert found
    return eval(found[1], {"GcpKind": GcpKind, "LinkRule": LinkRule})


def test_every_word_of_the_example_is_googles(kind):
    assert test_gcp_catalogue.TestCatalogue().faults(kind) == []


def test_a_typo_in_any_word_of_the_example_is_named(kind):
    words = list(misspellings(kind, test_gcp_catalogue.TestCatalogue.listing_words))
    assert len(words) > 6
    assert [what for what, wrong in words if not any(TYPO in fault for fault in test_gcp_catalogue.TestCatalogue().faults(wrong))] == []
