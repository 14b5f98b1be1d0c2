"""Counts in sentences."""

from __future__ import annotations

import pytest

from providers.counted import are, counted, counted_are


@pytest.mark.parametrize(
    ("count", "noun", "said"),
    [
        (1, "entity", "1 entity"),
        (2, "deleted entity", "2 deleted entities"),
        (0, "key", "0 keys"),
        (1, "key", "1 key"),
        (3, "scope", "3 scopes"),
    ],
)
def test_one_thing_and_several_have_different_nouns(count, noun, said):
    assert counted(count, noun) == said


def test_the_verb_goes_with_the_count():
    assert [counted_are(count, "scope") for count in (0, 1, 2)] == ["0 scopes are", "1 scope is", "2 scopes are"]
    assert [are(count, past=True) for count in (0, 1, 2)] == ["were", "was", "were"]
    assert counted_are(1, "entity", past=True) == "1 entity was"
