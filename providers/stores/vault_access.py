"""Access to HashiCorp Vault or OpenBao as an operator gives it: plain data, which the writer checks and the job's process uses."""

from __future__ import annotations

from typing import Literal

import msgspec

SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount/token"
"""File in which a pod in Kubernetes has the token of its service account."""


class VaultAccess(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings `VAULT_*` by their names without that beginning. One way to sign in is set."""

    addr: str
    namespace: str = ""
    cacert: str = ""
    allow_http: bool = False
    kv_mount: str = "secret"
    kv_version: Literal["1", "2"] = "2"
    auth_mount: str = ""
    """Mount of the sign-in method; without: the method's usual one."""
    token: str = ""
    token_sink: str = ""
    role_id: str = ""
    secret_id: str = ""
    kubernetes_role: str = ""
    jwt_path: str = SERVICE_ACCOUNT
