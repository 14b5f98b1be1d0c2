"""Keyed hashes of batches and resources: those of other implementations, and no help to whoever crafts two states."""

from __future__ import annotations

import random

import pytest
import xxhash
from siphashc import siphash

from worker.run.keyed_hash import KeyedHash

RELATED = ((0, b"%a`a", 0x65), (12, b"5ejk", 0x64))
"""Stripe, four bytes of it, and the byte that is swapped with the other stripe's."""


def crafted(first: int, second: int) -> bytes:
    """A document of 1024 bytes. XXH3 multiplies both halves of a word, each mixed with a part of its secret, and adds the products; parts of
    the secret differ by numbers that everybody knows, so that halves can be chosen which are the same under many a seed."""
    document = bytearray(b"x" * 1024)
    for (stripe, half, _), other in zip(RELATED, (first, second), strict=True):
        document[64 * stripe : 64 * stripe + 8] = half + bytes([other]) + b"ddd"
    return bytes(document)


PAIR = crafted(0x64, 0x65), crafted(0x65, 0x64)


def test_siphash_is_that_of_its_authors():
    """The vector of the paper's appendix A."""
    assert siphash(bytes(range(16)), bytes(range(15))) == 0xA129CA6149BE45E5


def test_two_crafted_documents_are_the_same_for_xxh3_and_not_for_ours():
    chance = random.Random(1)
    seeds = [chance.getrandbits(64) for _ in range(4000)]
    same = sum(xxhash.xxh3_128_digest(PAIR[0], seed=seed) == xxhash.xxh3_128_digest(PAIR[1], seed=seed) for seed in seeds)
    assert same > 20, "if XXH3 has become safe, the reason for our choice is gone"
    for seed in seeds[:500]:
        hashes = KeyedHash(seed.to_bytes(8, "little"))
        assert hashes.batch(PAIR[0]) != hashes.batch(PAIR[1])
        assert len(set(hashes.resources(PAIR))) == 2


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 1000, 300_000])
def test_each_byte_and_the_length_count(size):
    hashes = KeyedHash(b"secret")
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)
    others = [data + b"\0", *(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] for at in {0, size // 2, size - 1} if 0 <= at < size)]
    for other in others:
        assert hashes.batch(other) != hashes.batch(data)
        assert hashes.resources([other]) != hashes.resources([data])
    assert hashes.batch(memoryview(data)) == hashes.batch(data)


def test_another_secret_gives_other_hashes_and_another_proof():
    one, other = KeyedHash(b"a" * 32), KeyedHash(b"b" * 32)
    assert one.batch(b"x") != other.batch(b"x")
    assert one.resources([b"x"]) != other.resources([b"x"])
    assert (one.proof, len(one.proof)) == (KeyedHash(b"a" * 32).proof, 8)
    assert one.proof != other.proof
