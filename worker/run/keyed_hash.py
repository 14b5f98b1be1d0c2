"""Hashes under a database's secret, of a batch (GMAC, 16 bytes) and of a resource (SipHash-2-4, 8 bytes).

Whoever can write to a source may craft two states that look the same under a fast hash, though its seed is secret: there are pairs of
ASCII documents that one seed of XXH3 in 65 takes for the same (tests/worker/run/test_run_keyed_hash.py). For a crafted pair of batches that
chance is at most 2^-110 with GMAC, as is proven; for a pair of resources it is 2^-64, unless SipHash is broken. No hash leaves the writer
and its database, and the secret is never given to a job.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from siphashc import siphash

_NONCE = bytes(12)
"""Always the same: the tags are secret, as the key is, and so nothing can be learned from two of them."""


class KeyedHash:
    """Hashes under one secret."""

    def __init__(self, secret: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - 2 MB, and of no use without a run

        keys = hashlib.blake2b(secret, digest_size=32, person=b"batch marks").digest()
        self._tag, self._key = AESGCM(keys[:16]).encrypt, keys[16:]
        self.proof = siphash(self._key, b"").to_bytes(8, "little")
        """Shows which secret it is: the hash of no bytes."""

    def batch(self, encoded: bytes | memoryview) -> bytes:
        """Hash of a batch's bytes."""
        return self._tag(_NONCE, b"", encoded)

    def resources(self, resources: Iterable[bytes | memoryview]) -> list[int]:
        """Hash of each resource's bytes, 64 bits without sign, and never 0."""
        key = self._key
        return [siphash(key, bytes(raw)) or 1 for raw in resources]
