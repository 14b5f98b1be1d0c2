"""JSON Web Tokens signed with RS256, and the private key of a service app in the forms in which Okta gives it out: PEM and JWK."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

SHORTEST, LONGEST = 2048, 8192
"""Bits of a key: Okta takes none that is shorter."""

PUBLIC_EXPONENT = 65537


class SigningKey:
    """An RSA key that signs tokens. Safe to use from several threads."""

    def __init__(self, key: rsa.RSAPrivateKey, number: str = "") -> None:
        """`number` is the key's id (``kid``), where it has one."""
        self._key, self.number = key, number

    @classmethod
    def generated(cls) -> SigningKey:
        """A new key that nobody else has."""
        return cls(rsa.generate_private_key(PUBLIC_EXPONENT, SHORTEST))

    @property
    def public(self) -> dict[str, str]:
        """The public part as a JWK."""
        numbers = self._key.public_key().public_numbers()
        return {"kty": "RSA", "n": _integer_encoded(numbers.n), "e": _integer_encoded(numbers.e)}

    def signed(self, claims: Mapping[str, Any], header: Mapping[str, Any]) -> str:
        """The claims as a signed token; `header` adds to the algorithm and the key's id."""
        head = {"alg": "RS256", **({"kid": self.number} if self.number else {}), **header}
        text = ".".join(encoded(json.dumps(part).encode()) for part in (head, claims))
        return f"{text}.{encoded(self._key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def read_key(text: str, number: str = "") -> SigningKey:
    """The private key in a PEM (PKCS#1 or PKCS#8) or a JWK; `number` is its id, else that of the JWK.

    Raises `ValueError` with a sentence that quotes nothing of the key.
    """
    text = text.strip()
    key, own = _of_jwk(text) if text.startswith("{") else (_of_pem(text.replace("\\n", "\n")), "")
    if not SHORTEST <= key.key_size <= LONGEST:
        raise ValueError(f"`private_key` has {key.key_size} bits: Okta takes RSA keys of {SHORTEST} bits and more")
    return SigningKey(key, number or own)


def encoded(data: bytes) -> str:
    """Bytes in base64url without padding, as the parts of a token are."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _integer_encoded(number: int) -> str:
    return encoded(number.to_bytes((number.bit_length() + 7) // 8))


def _of_pem(text: str) -> rsa.RSAPrivateKey:
    if not text.startswith("-----BEGIN "):
        raise ValueError("`private_key` is neither a PEM (-----BEGIN PRIVATE KEY-----) nor a JWK ({...})")
    if "PRIVATE KEY" not in text.partition("\n")[0]:
        raise ValueError("`private_key` holds a public key or a certificate: the private key is needed")
    lines = "\n".join(line.strip() for line in text.splitlines())
    try:
        key = serialization.load_pem_private_key(lines.encode(), password=None)
    except TypeError:
        raise ValueError("`private_key` is encrypted: give it without a password") from None
    except (ValueError, UnsupportedAlgorithm):  # the library's words could quote the key
        raise ValueError("`private_key` cannot be read: the PEM is damaged or incomplete") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError(  # noqa: TRY004 - the config is wrong, and not a type
            "`private_key` is not an RSA key, which is the only kind that is taken"
        )
    return key


def _of_jwk(text: str) -> tuple[rsa.RSAPrivateKey, str]:
    """The key of a JWK, and its id."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("`private_key` begins like a JWK and is not JSON") from None
    if found.get("kty") != "RSA":
        raise ValueError('`private_key` is not a JWK of an RSA key ("kty": "RSA"), which is the only kind that is taken')
    if not found.get("d"):
        raise ValueError("`private_key` holds the public part of a JWK: the private key is needed")
    try:
        return _of_numbers(*(_integer(found[name]) for name in ("n", "e", "d"))), str(found.get("kid") or "")
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError):
        raise ValueError("`private_key` cannot be read: the JWK is damaged or incomplete") from None


def _integer(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def _of_numbers(n: int, e: int, d: int) -> rsa.RSAPrivateKey:
    if n.bit_length() > LONGEST:
        raise ValueError("longer than any key")
    p, q = rsa.rsa_recover_prime_factors(n, e, d)
    public = rsa.RSAPublicNumbers(e, n)
    crt = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
    return rsa.RSAPrivateNumbers(p, q, d, *crt, public).private_key()
