"""The certificate of a service that speaks TLS itself: checked at the start, read again when its files change."""

from __future__ import annotations

import datetime as dt
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import structlog

CHECKED_EVERY = 10.0
"""Seconds between two looks at the files; a renewed certificate is in use after so many."""

EXPIRES_SOON = dt.timedelta(days=14)

_log = structlog.get_logger("worker.web")


class CertificateError(Exception):
    """The files cannot be used; the message is a sentence with their paths and what to do."""


class Certificate:
    """A TLS context for new connections, from the files of a certificate with its chain and of its key."""

    def __init__(self, certificate: str, key: str) -> None:
        """Reads the files. Raises `CertificateError`."""
        self._files = (certificate, key)
        self._state = self._stat()
        self._context = load(certificate, key)
        self._checked = time.monotonic()

    def context(self) -> ssl.SSLContext:
        """The context, with renewed files when these have changed; files that cannot be used are told once, and the old ones stay."""
        if time.monotonic() - self._checked >= CHECKED_EVERY:
            self.renew()
        return self._context

    def renew(self) -> None:
        """Looks at the files, and reads them when they have changed."""
        self._checked, state = time.monotonic(), self._stat()
        if state == self._state:
            return
        self._state = state
        try:
            self._context = load(*self._files)
        except CertificateError as error:
            _log.error(f"the renewed certificate is not used, the one before stays: {error}")
        else:
            _log.info(f"the certificate has been renewed: {self._files[0]}")

    def _stat(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(map(_state_of, self._files))


def load(certificate: str, key: str) -> ssl.SSLContext:
    """A server's TLS context. Raises `CertificateError`."""
    for name, path, mark in (("ELDER_API_TLS_CERT", certificate, "CERTIFICATE"), ("ELDER_API_TLS_KEY", key, "PRIVATE KEY")):
        if f"{mark}-----" not in _text(name, path):
            raise CertificateError(f"{name}: {path} holds no {mark.lower()} in PEM (-----BEGIN ... {mark}-----)")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key, password=_refuse_password)
    except _EncryptedKey:
        raise CertificateError(f"ELDER_API_TLS_KEY: {key} is encrypted: take a key without a passphrase") from None
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            sentence = f"ELDER_API_TLS_KEY: {key} is not the key of the certificate in {certificate} (its first one, if there are several)"
        else:
            sentence = f"ELDER_API_TLS_CERT and ELDER_API_TLS_KEY: {certificate} and {key} cannot be used ({error.reason or error})"
        raise CertificateError(sentence) from None
    return context


def remarks(certificate: str) -> Iterator[str]:
    """A sentence when the certificate is not valid now, or soon will not be."""
    from cryptography import x509  # noqa: PLC0415 - loaded only where there is a certificate

    try:
        leaf = x509.load_pem_x509_certificate(Path(certificate).read_bytes())
    except (OSError, ValueError):
        return
    now, begin, end = dt.datetime.now(dt.UTC), leaf.not_valid_before_utc, leaf.not_valid_after_utc
    where = f"ELDER_API_TLS_CERT: the certificate in {certificate}"
    advice = f"replace the files; the API takes them within {CHECKED_EVERY:.0f} s, without a restart"
    if now >= end:
        yield f"{where} has expired at {end:%Y-%m-%d %H:%M} UTC and clients refuse it: {advice}"
    elif now < begin:
        yield f"{where} is not valid before {begin:%Y-%m-%d %H:%M} UTC and clients refuse it: {advice}, or set this machine's clock"
    elif now > end - EXPIRES_SOON:
        yield f"{where} expires at {end:%Y-%m-%d %H:%M} UTC: {advice}"


class _EncryptedKey(Exception):
    """The key asks for a passphrase."""


def _refuse_password() -> str:
    raise _EncryptedKey


def _text(name: str, path: str) -> str:
    try:
        return Path(path).read_text("latin-1")
    except OSError as error:
        raise CertificateError(f"{name}: {path} cannot be read ({error.strerror})") from None


def _state_of(path: str) -> tuple[int, int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)
