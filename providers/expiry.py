"""The end of the credential that a source is read with, as far as the credential or the source tells it."""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
from collections.abc import Mapping

KEY = "credential_expires_at"
"""Name of the end among the details of an identity; without it, the end is not known, or there is none."""

_CERTIFICATES = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]+\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def details(*ends: str) -> dict[str, str]:
    """The detail of an identity for the earliest of these ends; none where all of them are unknown (empty)."""
    known = sorted(end for end in ends if end)
    return {KEY: known[0]} if known else {}


def of_details(found: Mapping[str, object]) -> dt.datetime | None:
    """The end among the details of an identity, which a third party's provider may have made; None without a valid one."""
    end = found.get(KEY)
    try:
        return dt.datetime.fromisoformat(end) if isinstance(end, str) and _MOMENT.fullmatch(end) else None
    except ValueError:
        return None


def of_moment(text: str) -> str:
    """An end as a source tells it, in ISO 8601; empty where it is none, or lies beyond the year 9000, which means never."""
    try:
        return _text(dt.datetime.fromisoformat(text))
    except ValueError:
        return ""


def of_certificate(pem: bytes, password: bytes | None = None) -> str:
    """The end of a client certificate: of the first in a PEM file, or of the one in a PKCS#12 file. Empty where it cannot be read."""
    if found := _CERTIFICATES.search(pem):
        return min(_ends([found[0]]), default="")
    from cryptography import x509  # noqa: PLC0415 - 5 MB, and of no use without such a file
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.serialization import pkcs12  # noqa: PLC0415 - as above

    try:
        certificate = pkcs12.load_pkcs12(pem, password).cert
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        return ""
    return _text(certificate.certificate.not_valid_after_utc) if certificate else ""


def of_authorities(pem: bytes) -> str:
    """The end of a file of CA certificates: when the last of them has ended, no server is trusted any more. Empty without any."""
    return max(_ends(_CERTIFICATES.findall(pem)), default="")


def of_token(token: str) -> str:
    """The end of a signed token (JWT); empty for any other token. The signature is not checked: the source does that."""
    found = _TOKEN.fullmatch(token)
    try:
        ends = json.loads(base64.urlsafe_b64decode(found[1] + "==")).get("exp") if found else None
        return _text(dt.datetime.fromtimestamp(ends, dt.UTC)) if isinstance(ends, int | float) else ""
    except (ValueError, OverflowError, OSError, AttributeError, RecursionError):
        return ""


def _ends(certificates: list[bytes]) -> list[str]:
    from cryptography import x509  # noqa: PLC0415 - 5 MB, and of no use without a certificate

    found = []
    for pem in certificates:
        try:
            found.append(_text(x509.load_pem_x509_certificate(pem).not_valid_after_utc))
        except (ValueError, x509.InvalidVersion):
            continue
    return found


def _text(end: dt.datetime) -> str:
    return f"{end.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}" if end.tzinfo and 1900 < end.year < 9000 else ""
