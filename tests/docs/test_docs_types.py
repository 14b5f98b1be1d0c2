"""docs/types.md: each row of a first-rate inventory names types that there are, or says why there is none."""

from __future__ import annotations

import kubernetes_coverage
import proofs
import pytest
from types_page import COVERAGE

from providers import registry
from providers.kubernetes import catalogue
from providers.kubernetes.custom import CUSTOM


@pytest.mark.parametrize(("name", "number"), [("aws", 75), ("azure", 70), ("gcp", 64), ("kubernetes", 60)])
def test_every_row_names_types_that_there_are_or_says_why_not(name, number):
    known = {one.sub_type for one in (*registry.get(name).resource_types(), *registry.get("entra").resource_types())}
    known |= kubernetes_coverage.READ_AS_SERVED | {catalogue.sub_type(*kind.split(".", 1)) for kind in CUSTOM}
    assert len({row for row, _, _ in COVERAGE[name]}) == len(COVERAGE[name]) == number
    assert not {kind for _, types, _ in COVERAGE[name] for kind in types.split()} - known
    assert all(types or remark for _, types, remark in COVERAGE[name])


@pytest.mark.parametrize("name", proofs.PROVIDERS)
def test_every_type_is_proven_somewhere(name):
    """A type that no test reads fails here by its name, and so does one whose declaration no test compares with the vendor's description."""
    types = [one.sub_type for one in registry.get(name).resource_types()]
    assert [one for one in types if not proofs.words(name, one)] == []


def test_a_proof_is_of_types_that_there_are_and_none_is_empty():
    for name in proofs.PROVIDERS:
        known = {one.sub_type for one in registry.get(name).resource_types()}
        assert {proof for proof, types in proofs.of(name).items() if not types & known} == set(), name


def test_a_type_that_no_test_goes_through_has_no_proof():
    assert [proofs.words(name, "odd_thing") for name in proofs.PROVIDERS] == [""] * len(proofs.PROVIDERS)
