"""A certificate authority for tests: made anew for each run, so that nothing secret is ever stored."""

from __future__ import annotations

import datetime as dt
import ipaddress
import pathlib
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BEGUN, LASTS = dt.timedelta(hours=-1), dt.timedelta(days=2)
"""When a certificate's time begins, from now, and how long it is."""


class Authority:
    """Issues certificates for localhost and 127.0.0.1; `ca` is the file that a client must trust."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
        self.ca = folder / "ca.pem"
        self._certificate = self._build(self._name, self._key.public_key(), authority=True)
        self.ca.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def issue(
        self, host: str = "localhost", *, begins: dt.timedelta = BEGUN, lasts: dt.timedelta = LASTS
    ) -> tuple[pathlib.Path, pathlib.Path]:
        """The certificate and key files of a server at `host` (and 127.0.0.1). `begins` is from now, `lasts` from then."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        certificate = self._build(name, key.public_key(), host=host, begins=begins, lasts=lasts)
        certificate_file, key_file = self._folder / f"{host}.pem", self._folder / f"{host}.key"
        certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        pem = (serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
        key_file.write_bytes(key.private_bytes(*pem))
        return certificate_file, key_file

    def server_context(self, host: str = "localhost") -> ssl.SSLContext:
        """A TLS context for a server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue(host))
        return context

    def _build(
        self,
        subject: x509.Name,
        public_key,
        *,
        authority: bool = False,
        host: str = "",
        begins: dt.timedelta = BEGUN,
        lasts: dt.timedelta = LASTS,
    ):
        begin = dt.datetime.now(dt.UTC) + begins
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + lasts)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if host:
            names = [x509.DNSName(host), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256())


@pytest.fixture(scope="session")
def authority(tmp_path_factory) -> Authority:
    """The certificate authority of this test run."""
    return Authority(tmp_path_factory.mktemp("ca"))
