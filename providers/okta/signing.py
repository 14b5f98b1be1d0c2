"""Signed JSON Web Tokens, and the private key of a service app in the forms in which Okta gives it out: PEM and JWK.

The algorithm is that of the key: RS256 for an RSA key, and for an elliptic one the one of its curve.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

SHORTEST, LONGEST = 2048, 8192
"""Bits of a key: Okta takes none that is shorter."""

PUBLIC_EXPONENT = 65537

CURVES: dict[str, tuple[str, ec.EllipticCurve, hashes.HashAlgorithm]] = {
    "P-256": ("ES256", ec.SECP256R1(), hashes.SHA256()),
    "P-384": ("ES384", ec.SECP384R1(), hashes.SHA384()),
    "P-521": ("ES512", ec.SECP521R1(), hashes.SHA512()),
}
"""Name of a curve in a JWK -> algorithm, curve, and hash (RFC 7518, section 3.4)."""

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
_BEGIN = re.compile("-----BEGIN [A-Z ]*PRIVATE KEY-----")
_TAKEN = "Okta takes RSA keys, and elliptic keys of the curves P-256, P-384 and P-521"


class SigningKey:
    """A private key that signs tokens. Safe to use from several threads."""

    def __init__(self, key: PrivateKey, number: str = "") -> None:
        """`number` is the key's id (``kid``), where it has one. Raises `ValueError` for a key that Okta does not take."""
        self._key, self.number = key, number
        if isinstance(key, rsa.RSAPrivateKey):
            _check_size(key.key_size)
            self.algorithm = "RS256"
        else:
            self.algorithm, _, self._hash = _curve_of(key.curve)

    @classmethod
    def generated(cls) -> SigningKey:
        """A new RSA key that nobody else has."""
        return cls(rsa.generate_private_key(PUBLIC_EXPONENT, SHORTEST))

    @property
    def public(self) -> dict[str, str]:
        """The public part of an RSA key as a JWK."""
        numbers = self._key.public_key().public_numbers()
        assert isinstance(numbers, rsa.RSAPublicNumbers)
        return {"kty": "RSA", "n": _integer_encoded(numbers.n), "e": _integer_encoded(numbers.e)}

    def signed(self, claims: Mapping[str, Any], header: Mapping[str, Any]) -> str:
        """The claims as a signed token; `header` adds to the algorithm and the key's id."""
        head = {"alg": self.algorithm, **({"kid": self.number} if self.number else {}), **header}
        text = ".".join(encoded(json.dumps(part).encode()) for part in (head, claims))
        return f"{text}.{encoded(self._signature(text.encode()))}"

    def _signature(self, data: bytes) -> bytes:
        """The signature as RFC 7518 has it: of an elliptic key two numbers side by side, each as long as the curve's."""
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        size = (self._key.key_size + 7) // 8
        return b"".join(number.to_bytes(size) for number in decode_dss_signature(self._key.sign(data, ec.ECDSA(self._hash))))


def read_key(text: str, number: str = "") -> SigningKey:
    """The private key in a PEM (PKCS#1 or PKCS#8) or a JWK; `number` is its id, else that of the JWK.

    Raises `ValueError` with a sentence that quotes nothing of the key.
    """
    text = text.strip()
    key, own = _of_jwk(text) if text.startswith("{") else (_of_pem(text.replace("\\n", "\n")), "")
    return SigningKey(key, number or own)


def encoded(data: bytes) -> str:
    """Bytes in base64url without padding, as the parts of a token are."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _integer_encoded(number: int) -> str:
    return encoded(number.to_bytes((number.bit_length() + 7) // 8))


def _check_size(bits: int) -> None:
    if not SHORTEST <= bits <= LONGEST:
        raise ValueError(f"`private_key` has {bits} bits: Okta takes RSA keys of {SHORTEST} bits and more")


def _curve_of(curve: ec.EllipticCurve) -> tuple[str, ec.EllipticCurve, hashes.HashAlgorithm]:
    found = next((row for row in CURVES.values() if row[1].name == curve.name), None)
    if found is None:
        raise ValueError(f"`private_key` is an elliptic key of the curve {curve.name}: {_TAKEN}")
    return found


def _of_pem(text: str) -> PrivateKey:
    if not text.startswith("-----BEGIN "):
        raise ValueError("`private_key` is neither a PEM (-----BEGIN PRIVATE KEY-----) nor a JWK ({...})")
    begin = _BEGIN.search(text)  # openssl writes the parameters of an elliptic key before it
    if begin is None:
        raise ValueError("`private_key` holds a public key or a certificate: the private key is needed")
    lines = "\n".join(line.strip() for line in text[begin.start() :].splitlines())
    try:
        key = serialization.load_pem_private_key(lines.encode(), password=None)
    except TypeError:
        raise ValueError("`private_key` is encrypted: give it without a password") from None
    except UnsupportedAlgorithm:
        raise ValueError(f"`private_key` is of a kind that cannot be read: {_TAKEN}") from None
    except ValueError:  # the library's words could quote the key
        raise ValueError("`private_key` cannot be read: the PEM is damaged or incomplete") from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ValueError(  # noqa: TRY004 - the config is wrong, and not a type
            f"`private_key` is neither an RSA key nor an elliptic key of a NIST curve: {_TAKEN}"
        )
    return key


def _of_jwk(text: str) -> tuple[PrivateKey, str]:
    """The key of a JWK, and its id."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("`private_key` begins like a JWK and is not JSON") from None
    readers: dict[str, Callable[[Mapping[str, Any]], PrivateKey]] = {"RSA": _rsa, "EC": _elliptic}
    read = readers.get(str(found.get("kty")))
    if read is None:
        raise ValueError(f'`private_key` is not a JWK of an RSA key ("kty": "RSA") or of an elliptic key ("kty": "EC"): {_TAKEN}')
    if read is _elliptic and str(found.get("crv")) not in CURVES:
        raise ValueError(f'`private_key` is a JWK of another curve ("crv"): {_TAKEN}')
    if not found.get("d"):
        raise ValueError("`private_key` holds the public part of a JWK: the private key is needed")
    try:
        return read(found), str(found.get("kid") or "")
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError):
        raise ValueError("`private_key` cannot be read: the JWK is damaged or incomplete") from None


def _rsa(jwk: Mapping[str, Any]) -> rsa.RSAPrivateKey:
    return _of_numbers(*(_integer(jwk[name]) for name in ("n", "e", "d")))


def _elliptic(jwk: Mapping[str, Any]) -> ec.EllipticCurvePrivateKey:
    _, curve, _ = CURVES[jwk["crv"]]
    x, y, d = (_integer(jwk[name]) for name in ("x", "y", "d"))
    return ec.EllipticCurvePrivateNumbers(d, ec.EllipticCurvePublicNumbers(x, y, curve)).private_key()


def _integer(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def _of_numbers(n: int, e: int, d: int) -> rsa.RSAPrivateKey:
    if n.bit_length() > LONGEST:
        raise ValueError("longer than any key")
    p, q = rsa.rsa_recover_prime_factors(n, e, d)
    public = rsa.RSAPublicNumbers(e, n)
    crt = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
    return rsa.RSAPrivateNumbers(p, q, d, *crt, public).private_key()
