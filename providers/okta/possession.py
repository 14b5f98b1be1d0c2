"""Proofs of possession (DPoP, RFC 9449): a token is bound to a key that never leaves this process, and worthless without it.

Okta asks new service apps for them. Each request has a proof of its own: a token that is signed by the key, for its method and URL.
"""

from __future__ import annotations

import hashlib
import time
import uuid

from providers.okta.signing import SigningKey, encoded

SCHEME = "DPoP"
"""The type of a token that is bound to a key, and the scheme that it is sent by."""


class Possession:
    """A key that is made for this run, and the proofs that it signs. Safe to use from several threads."""

    def __init__(self) -> None:
        self._key = SigningKey.generated()

    def proof(self, method: str, url: str, *, token: str = "", nonce: str = "") -> dict[str, str]:
        """The header of one request. `token` is the access token that it carries, `nonce` what the server asked proofs to hold."""
        claims = {"htm": method, "htu": url.partition("?")[0], "iat": int(time.time()), "jti": str(uuid.uuid4())}
        if token:
            claims["ath"] = encoded(hashlib.sha256(token.encode()).digest())
        if nonce:
            claims["nonce"] = nonce
        return {SCHEME: self._key.signed(claims, {"typ": "dpop+jwt", "jwk": self._key.public})}
