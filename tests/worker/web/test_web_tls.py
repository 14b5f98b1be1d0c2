"""The certificate of a service: each way in which its files can be wrong, and their renewal."""

from __future__ import annotations

import datetime as dt
import ssl

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from peers.certificates import Authority

from worker.web.tls import Certificate, CertificateError, load, remarks


@pytest.fixture
def authority(tmp_path):
    """An authority of the test alone, whose files may be changed."""
    return Authority(tmp_path)


def refused(certificate, key) -> str:
    with pytest.raises(CertificateError) as caught:
        load(str(certificate), str(key))
    return str(caught.value)


def test_a_certificate_and_its_key_make_a_context(authority):
    context = load(*map(str, authority.issue()))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_files_that_are_missing_or_cannot_be_read_are_named(authority, tmp_path):
    certificate, key = authority.issue()
    assert refused(tmp_path / "none.pem", key) == f"ELDER_API_TLS_CERT: {tmp_path}/none.pem cannot be read (No such file or directory)"
    assert (
        refused(certificate, tmp_path / "none.key") == f"ELDER_API_TLS_KEY: {tmp_path}/none.key cannot be read (No such file or directory)"
    )
    assert refused(certificate, tmp_path).startswith(f"ELDER_API_TLS_KEY: {tmp_path} cannot be read (Is a directory)")


def test_files_that_are_no_pem_or_changed_places_are_named(authority, tmp_path):
    certificate, key = authority.issue()
    (tmp_path / "der").write_bytes(b"\x30\x82\x00")
    assert "ELDER_API_TLS_CERT" in refused(tmp_path / "der", key)
    assert "holds no certificate in PEM" in refused(tmp_path / "der", key)
    assert refused(key, certificate).startswith(f"ELDER_API_TLS_CERT: {key} holds no certificate in PEM")
    assert refused(certificate, certificate).startswith(f"ELDER_API_TLS_KEY: {certificate} holds no private key in PEM")


def test_a_damaged_file_is_refused_with_its_name(authority):
    certificate, key = authority.issue()
    certificate.write_text(certificate.read_text().replace("M", "!", 3))
    assert f"{certificate} and {key} cannot be used" in refused(certificate, key)


def test_a_key_of_another_certificate_is_refused(authority):
    certificate, _ = authority.issue("one.example")
    _, other = authority.issue("two.example")
    assert refused(certificate, other).startswith(f"ELDER_API_TLS_KEY: {other} is not the key of the certificate in {certificate}")


def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_a_passphrase(authority):
    certificate, key = authority.issue()
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for form in (serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL):
        key.write_bytes(private.private_bytes(serialization.Encoding.PEM, form, serialization.BestAvailableEncryption(b"phrase")))
        assert refused(certificate, key) == f"ELDER_API_TLS_KEY: {key} is encrypted: take a key without a passphrase"


@pytest.mark.parametrize(
    ("begins", "lasts", "words"),
    [
        (dt.timedelta(days=-3), dt.timedelta(days=2), "has expired at"),
        (dt.timedelta(days=1), dt.timedelta(days=90), "is not valid before"),
        (dt.timedelta(days=-80), dt.timedelta(days=90), "expires at"),
    ],
)
def test_a_certificate_that_is_not_valid_or_soon_will_not_be_is_remarked_upon(authority, begins, lasts, words):
    certificate, _ = authority.issue(begins=begins, lasts=lasts)
    [remark] = remarks(str(certificate))
    assert words in remark
    assert str(certificate) in remark


def test_a_certificate_that_is_valid_for_long_is_not_remarked_upon(authority):
    certificate, _ = authority.issue(lasts=dt.timedelta(days=90))
    assert list(remarks(str(certificate))) == []


def test_renewed_files_are_taken_and_files_that_do_not_match_are_not(authority, log_lines):
    certificate, key = authority.issue()
    served = Certificate(str(certificate), str(key))
    first = served.context()
    served.renew()
    assert served.context() is first, "unchanged files are not read again"

    old_key = key.read_bytes()
    authority.issue()
    new_key = key.read_bytes()
    key.write_bytes(old_key + b"\n")
    served.renew()
    served.renew()
    assert served.context() is first
    [line] = [line["event"] for line in log_lines if line["log_level"] == "error"]
    assert "the one before stays" in line
    assert "is not the key of the certificate" in line

    key.write_bytes(new_key)
    served.renew()
    assert served.context() is not first

    key.unlink()
    served.renew()
    assert served.context() is not first
