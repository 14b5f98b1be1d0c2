"""How one cluster is reached, and as whom."""

from __future__ import annotations

import hashlib
import re
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from providers import expiry
from providers.http.proxy import Proxy

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")
_NAME_CHARACTERS = "!#$&'*+-.^_`|~"
"""Characters of a header's name besides letters and digits, without the percent sign."""


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """The address of a cluster and the credentials for it. Certificates and keys are PEM."""

    server: str
    ca: str = ""
    token: str = ""
    token_file: Path | None = None
    """File that `token` was read from. Kubernetes writes a new token into it before the old one expires."""
    client_certificate: str = ""
    client_key: str = ""
    user: str = ""
    password: str = ""
    tls_server_name: str = ""
    verify: bool = True
    proxy: Proxy | None = None
    """The proxy that the kubeconfig names for the cluster. Without one, the environment's."""
    impersonate: dict[str, str | tuple[str, ...]] = {}
    """Headers that say in whose name we ask, as `kubectl --as` sends them."""

    @property
    def place(self) -> str:
        """The server's address in one spelling and without a user, and whose certificate it shows."""
        parts = urlsplit(self.server)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        certified = self.ca_identity() or "any CA of the system" if self.verify else "any certificate"
        return f"https://{host}:{parts.port or 443}{parts.path.rstrip('/')} ({certified})"

    def expiry(self) -> dict[str, str]:
        """The end of what ends first: client certificate, token, or CA certificates. A token that is read anew from its file has none."""
        certificate = expiry.of_certificate(self.client_certificate.encode()) if self.client_certificate else ""
        token = "" if self.token_file else expiry.of_token(self.token)
        return expiry.details(certificate, token, expiry.of_authorities(self.ca.encode()) if self.verify else "")

    def ca_identity(self) -> str:
        """Fingerprint of the cluster's CA certificates; empty when the system's CAs are trusted instead."""
        try:
            certificates = sorted(map(ssl.PEM_cert_to_DER_cert, _CERTIFICATE.findall(self.ca)))
        except ValueError:
            return ""
        return "ca-" + hashlib.sha256(b"".join(certificates)).hexdigest()[:32] if certificates else ""


def impersonation(user: dict[str, Any]) -> dict[str, str | tuple[str, ...]]:
    """The headers for the keys `as`, `as-uid`, `as-groups` and `as-user-extra` of a kubeconfig's user.

    As the Kubernetes documentation has it: values are UTF-8, and what no header's name may hold is percent-encoded in an extra's.
    """
    headers: dict[str, str | tuple[str, ...]] = {}
    for key, header in (("as", "Impersonate-User"), ("as-uid", "Impersonate-Uid")):
        if user.get(key):
            headers[header] = _utf8(user[key])
    if groups := user.get("as-groups"):
        headers["Impersonate-Group"] = tuple(map(_utf8, groups))
    for name, values in (user.get("as-user-extra") or {}).items():
        headers[f"Impersonate-Extra-{quote(str(name), safe=_NAME_CHARACTERS)}"] = tuple(map(_utf8, values))
    return headers


def _utf8(value: Any) -> str:
    """The value so that its bytes on the wire, which are those of Latin-1, are UTF-8."""
    return str(value).encode().decode("latin-1")
