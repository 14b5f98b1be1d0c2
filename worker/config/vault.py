"""Settings of HashiCorp Vault or OpenBao, which jobs' processes ask for secrets; of no effect without `SECRET_REFERENCE_VAULT`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from providers.address import base_url
from providers.schema import Secret
from providers.stores.vault_access import SERVICE_ACCOUNT
from providers.variables import setting, variables
from worker.config import transport
from worker.config.addresses import Addresses

PREFIX = "vault_"

_MOUNT = re.compile(r"[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*")
_WAYS = ("VAULT_TOKEN", "VAULT_TOKEN_SINK", "VAULT_ROLE_ID with VAULT_SECRET_ID", "VAULT_KUBERNETES_ROLE")
"""The ways to sign in; the first word of each is its setting."""


class VaultSettings(Addresses, frozen=True, kw_only=True):
    """The settings that say where Vault is, and how a job's process signs in there."""

    vault_addr: Annotated[
        str,
        setting(
            "Address of HashiCorp Vault or OpenBao, such as `https://vault.example.com:8200`, for secrets that `SECRET_REFERENCE_VAULT` "
            "allows. https, but for this machine. Needs the extra `vault`."
        ),
    ] = ""
    vault_allow_http: Annotated[
        bool, setting("`true`: `VAULT_ADDR` may be http on another machine too. Tokens and secrets can then be read on the way.")
    ] = False
    vault_cacert: Annotated[str, setting("File with the CA certificates that sign Vault's, in PEM. Without: the system's.", file=True)] = ""
    vault_namespace: Annotated[str, setting("Namespace in Vault, such as `team/elder`. Without: the root namespace.")] = ""
    vault_kv_mount: Annotated[str, setting("Mount of the KV engine that has the secrets of jobs.")] = "secret"
    vault_kv_version: Annotated[Literal["1", "2"], setting("Version of that KV engine.")] = "2"
    vault_token: Annotated[
        Secret, setting("Token for Vault. It is taken as it is and not renewed: give it a period, or use another way to sign in.")
    ] = ""
    vault_token_sink: Annotated[
        str,
        setting("File with a token that is renewed beside the worker, such as the sink of Vault Agent. It is read at each run.", file=True),
    ] = ""
    vault_role_id: Annotated[str, setting("Role ID of a sign-in to Vault by AppRole; with `VAULT_SECRET_ID`.")] = ""
    vault_secret_id: Annotated[Secret, setting("Secret ID of a sign-in to Vault by AppRole.")] = ""
    vault_kubernetes_role: Annotated[
        str, setting("Role of a sign-in to Vault by a service account in Kubernetes, whose token is in `VAULT_JWT_PATH`.")
    ] = ""
    vault_jwt_path: Annotated[
        str, setting("File with the token of the service account for `VAULT_KUBERNETES_ROLE`. It is read at each run.", file=True)
    ] = SERVICE_ACCOUNT
    vault_auth_mount: Annotated[str, setting("Mount of the way to sign in, under `auth/`. Without: `approle` or `kubernetes`.")] = ""


def unusable(values: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each setting without which, or with which, jobs cannot read secrets in Vault; none while they may name none."""
    if "secret_reference_vault" not in values:
        return
    if "vault_addr" not in values:
        yield "SECRET_REFERENCE_VAULT is set but VAULT_ADDR is not: nobody knows which Vault to ask"
    else:
        yield from _address_faults(values["vault_addr"], http=values.get("vault_allow_http", False))
    if path := values.get("vault_cacert"):
        yield from transport.ca_faults("VAULT_CACERT", path)
    for field in ("vault_kv_mount", "vault_auth_mount"):
        if field in values and not _MOUNT.fullmatch(values[field]):
            yield f"{field.upper()} is '{values[field]}': it is the path of a mount, such as secret, without a slash at either end"
    yield from _sign_in_faults(values)


def _address_faults(address: str, *, http: bool) -> Iterator[str]:
    secured = re.sub(r"^http://", "https://", address) if http else address
    try:
        base_url(secured)
    except ValueError as error:
        advice = "; VAULT_ALLOW_HTTP=true lets it be http all the same" if "plain http" in str(error) else ""
        yield f"VAULT_ADDR: {error}{advice}"


def _sign_in_faults(values: Mapping[str, Any]) -> Iterator[str]:
    ways = [way for way in _WAYS if way.split()[0].lower() in values]
    if len(ways) != 1:
        found = f"there are {len(ways)} ({', '.join(ways)})" if ways else "there is none"
        yield f"SECRET_REFERENCE_VAULT needs one way to sign in to Vault, and {found}: set one of {'; '.join(_WAYS)}"
    for one, other in (("vault_role_id", "vault_secret_id"), ("vault_secret_id", "vault_role_id")):
        if one in values and other not in values:
            yield f"{one.upper()} is set but {other.upper()} is not: a sign-in by AppRole needs both"


def sign_in(settings: VaultSettings) -> tuple[dict[str, Any], tuple[str, ...], tuple[str, ...]]:
    """(the settings by field without `vault_`, the secrets among them, the files that they name), as a job's process needs them."""
    own = [one for one in variables(VaultSettings) if one.field.startswith(PREFIX)]
    values = {one.field: getattr(settings, one.field) for one in own if getattr(settings, one.field)}
    if not values.get("vault_kubernetes_role"):
        values.pop("vault_jwt_path", None)
    if "vault_addr" in values and not values.get("vault_allow_http"):
        values["vault_addr"] = base_url(values["vault_addr"])
    return (
        {field.removeprefix(PREFIX): value for field, value in values.items()},
        tuple(values[one.field] for one in own if one.secret and one.field in values),
        tuple(values[one.field] for one in own if one.file and one.field in values),
    )
