"""The hash table of a scope's contents finds what a dict finds."""

from __future__ import annotations

import random

import pytest

from worker.run.contents import KnownContents


@pytest.fixture
def chance():
    return random.Random(7)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 500, 20_000])
def test_it_finds_what_was_added_and_nothing_else(chance, count):
    pairs = {chance.getrandbits(64) or 1: chance.getrandbits(63) - 2**62 for _ in range(count)}
    known = KnownContents(len(pairs))
    known.add(pairs, pairs.values())
    asked = [*chance.sample(list(pairs), len(pairs) // 2), *(chance.getrandbits(64) or 1 for _ in range(50))]
    found = known.search(asked)
    assert list(found.keys) == [pairs.get(content, 0) for content in asked]
    assert found.strange == [at for at, content in enumerate(asked) if content not in pairs]
    unseen = sorted(key for content, key in pairs.items() if content not in asked)
    assert sorted(known.unseen()) == unseen
    assert sorted(known.unseen_of(pairs, pairs.values())) == unseen
    assert sorted(known.seen()) == sorted(key for content, key in pairs.items() if content in asked)


@pytest.mark.parametrize("content", [1, 2**64 - 1])
def test_hashes_that_want_the_same_place_are_all_found(content):
    """Beside the edges of the table too."""
    near = [content - n if content > 100 else content + n for n in range(40)]
    known = KnownContents(40)
    known.add(near, range(100, 140))
    assert list(known.search(near).keys) == list(range(100, 140))
    assert list(known.unseen_of(near, range(100, 140))) == list(known.unseen()) == []
