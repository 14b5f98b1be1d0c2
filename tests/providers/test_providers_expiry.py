"""The end of a credential is told where it is known, and never guessed."""

from __future__ import annotations

import base64
import datetime as dt
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from providers import expiry

NONSENSE = (b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", b"\x30\x82\x00")


def end_of(file):
    return f"{x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}"


def token(**claims):
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJSUzI1NiJ9.{body}.c2lnbmF0dXJl"


def test_the_end_of_a_client_certificate_is_that_of_the_first_in_its_file(authority):
    soon, key = authority.issue("soon", lasts=dt.timedelta(days=3))
    late, _ = authority.issue("late", lasts=dt.timedelta(days=900))
    assert expiry.of_certificate(key.read_bytes() + soon.read_bytes() + late.read_bytes()) == end_of(soon)
    assert expiry.of_certificate(late.read_bytes() + soon.read_bytes()) == end_of(late)


@pytest.mark.parametrize("password", [None, b"canary"])
def test_the_end_of_a_certificate_in_a_pkcs12_file(authority, password):
    file, key = authority.issue("soon", lasts=dt.timedelta(days=3))
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    kept = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    packed = pkcs12.serialize_key_and_certificates(b"x", private, x509.load_pem_x509_certificate(file.read_bytes()), None, kept)
    assert expiry.of_certificate(packed, password) == end_of(file)
    assert expiry.of_certificate(packed, b"another") == ""


def test_the_end_of_authorities_is_that_of_the_last(authority):
    soon, late = (authority.issue(host, lasts=dt.timedelta(days=days))[0] for host, days in (("soon", 3), ("late", 900)))
    assert expiry.of_authorities(late.read_bytes() + soon.read_bytes() + NONSENSE[2]) == end_of(late)


@pytest.mark.parametrize("content", NONSENSE)
def test_what_is_no_certificate_has_no_end(content):
    assert expiry.of_certificate(content) == ""
    assert expiry.of_authorities(content) == ""


def test_a_certificate_of_a_version_that_does_not_exist_is_passed_over(authority):
    """The library has an error of its own for it."""
    file, _ = authority.issue("soon", lasts=dt.timedelta(days=3))
    body = x509.load_pem_x509_certificate(file.read_bytes()).public_bytes(serialization.Encoding.DER)
    odd = base64.encodebytes(body.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x04", 1))
    pem = b"-----BEGIN CERTIFICATE-----\n" + odd + b"-----END CERTIFICATE-----\n"
    with pytest.raises(x509.InvalidVersion):
        x509.load_pem_x509_certificate(pem)
    assert expiry.of_certificate(pem) == ""
    assert expiry.of_authorities(pem + file.read_bytes()) == end_of(file)


def test_a_token_of_a_depth_that_cannot_be_read_has_no_end():
    body = base64.urlsafe_b64encode(b'{"a":' + b"[" * 100_000).decode().rstrip("=")
    assert expiry.of_token(f"eyJx.{body}.x") == ""


def test_the_end_of_a_token():
    assert expiry.of_token(token(exp=1_900_000_000)) == "2030-03-17T17:46:40Z"
    for one in ("", "opaque", token(), token(exp="soon"), token(exp=10**40), token(exp=None), "eyJx.e30.x", "eyJx.!!.x", "eyJx.W10.x"):
        assert expiry.of_token(one) == "", one


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("2026-06-01T00:00:00Z", "2026-06-01T00:00:00Z"),
        ("2026-06-01T02:00:00.1234567+02:00", "2026-06-01T00:00:00Z"),
        ("2026-06-01T00:00:00", ""),
        ("9999-12-31T23:59:59Z", ""),
        ("None", ""),
        ("", ""),
    ],
)
def test_an_end_that_a_source_tells(text, end):
    assert expiry.of_moment(text) == end


def test_the_earliest_known_end_counts():
    assert expiry.details("", "2027-01-01T00:00:00Z", "2026-01-01T00:00:00Z") == {expiry.KEY: "2026-01-01T00:00:00Z"}
    assert expiry.details("", "") == {}


@pytest.mark.parametrize("told", [None, 7, "", "soon", "2026-13-01T00:00:00Z", "2026-01-01", "2026-01-01T00:00:00"])
def test_what_a_package_tells_that_is_no_moment_is_not_known(told):
    assert expiry.of_details({expiry.KEY: told}) is None


def test_what_a_package_tells_is_read():
    assert expiry.of_details({expiry.KEY: "2026-01-01T00:00:00Z"}) == dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    assert expiry.of_details({}) is None
