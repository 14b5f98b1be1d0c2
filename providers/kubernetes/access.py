"""How one cluster is reached, and as whom."""

from __future__ import annotations

import hashlib
import re
import ssl
from pathlib import Path
from typing import Any

import msgspec

from providers.http.proxy import Proxy

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")


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

    def ca_identity(self) -> str:
        """Fingerprint of the cluster's CA certificates; empty when the system's CAs are trusted instead."""
        try:
            certificates = sorted(map(ssl.PEM_cert_to_DER_cert, _CERTIFICATE.findall(self.ca)))
        except ValueError:
            return ""
        return "ca-" + hashlib.sha256(b"".join(certificates)).hexdigest()[:32] if certificates else ""


def impersonation(user: dict[str, Any]) -> dict[str, str | tuple[str, ...]]:
    """The headers for the keys `as`, `as-uid`, `as-groups` and `as-user-extra` of a kubeconfig's user."""
    headers: dict[str, str | tuple[str, ...]] = {}
    for key, header in (("as", "Impersonate-User"), ("as-uid", "Impersonate-Uid")):
        if user.get(key):
            headers[header] = str(user[key])
    if groups := user.get("as-groups"):
        headers["Impersonate-Group"] = tuple(map(str, groups))
    for name, values in (user.get("as-user-extra") or {}).items():
        headers[f"Impersonate-Extra-{name}"] = tuple(map(str, values))
    return headers
