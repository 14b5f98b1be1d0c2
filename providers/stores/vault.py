"""Vault's KV engine, versions 1 and 2, by hvac: HashiCorp Vault and OpenBao, which has the same API.

Sources: "KV secrets engine", "AppRole" and "Kubernetes" of Vault's HTTP API documentation; answers of OpenBao 2.7.
hvac knows the paths. Its requests are sent by our own HTTP client, with our retries, time-outs, TLS and proxy.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hvac
import hvac.adapters
import msgspec
import urllib3

from providers import schema, secrecy
from providers.errors import ConfigError, CredentialsError, Denied, ProviderError, Throttled, TimedOut
from providers.http import pools
from providers.http.client import Http
from providers.http.response import HttpResponse
from providers.stores.vault_access import VaultAccess

TRIES = 3
LARGEST_TOKEN = 16 * 1024
"""Bytes of the largest file with a token."""

_TRUST = "set VAULT_CACERT to the file with the CA that has signed it"
_ADVICE = "check VAULT_ADDR, and whether this machine may reach it"


def open_store(settings: Mapping[str, Any], timeout: float) -> Vault:
    """The store, with the operator's settings by field."""
    return Vault(schema.parse(VaultAccess, settings), timeout)


class Vault:
    """Secrets of one KV mount, read with one token."""

    def __init__(self, access: VaultAccess, timeout: float) -> None:
        """Makes no call yet. `timeout` is that of a connection, and of each piece of an answer."""
        limits = urllib3.Timeout(connect=timeout, read=timeout)

        def pool(proxy: Any, **options: Any) -> urllib3.PoolManager:
            return pools.connections(proxy, **{**options, "timeout": limits})

        self._access = access
        self._http = Http(
            access.addr,
            "Vault",
            explain=_explain,
            advice=_ADVICE,
            trust=_TRUST,
            ca_file=access.cacert,
            tries=TRIES,
            connections=1,
            pool=pool,
        )
        adapter: Any = _adapter(self._http)
        self._client: Any = hvac.Client(url=access.addr, token="", verify=True, namespace=access.namespace or None, adapter=adapter)
        self._signed_in = False

    def read(self, where: str) -> dict[str, Any]:
        """The fields of a secret's current version. Raises `ProviderError`."""
        try:
            self._sign_in()
            return self._fields(where)
        except ProviderError as error:
            if not isinstance(error, ConfigError):
                error.args = (f"cannot be read: {error}",)
            raise

    def close(self) -> None:
        """Revokes the token of a sign-in, which nobody needs any more, forgets it, and closes the connection."""
        try:
            if self._signed_in:
                self._client.auth.token.revoke_self()
        except ProviderError:  # it ends by itself when its time is over
            pass
        finally:
            self._client.token, self._signed_in = "", False
            self._http.close()

    def _sign_in(self) -> None:
        """Takes the token that there is, or gets one by a sign-in, once."""
        access = self._access
        if self._client.token:
            return
        if access.role_id:
            mount = access.auth_mount or "approle"
            self._logged_in(self._client.auth.approle.login, mount, role_id=access.role_id, secret_id=access.secret_id)
        elif access.kubernetes_role:
            mount, jwt = access.auth_mount or "kubernetes", _token_of("VAULT_JWT_PATH", access.jwt_path)
            self._logged_in(self._client.auth.kubernetes.login, mount, role=access.kubernetes_role, jwt=jwt)
        else:
            self._client.token = access.token or _token_of("VAULT_TOKEN_SINK", access.token_sink)

    def _logged_in(self, login: Any, mount: str, **given: str) -> None:
        try:
            answer = login(**given, use_token=False, mount_point=mount)
        except _Missing:
            raise CredentialsError(f"Vault has no sign-in at auth/{mount}: check VAULT_AUTH_MOUNT") from None
        token = answer.get("auth", {}).get("client_token") if isinstance(answer.get("auth"), dict) else None
        if not isinstance(token, str) or not token:
            raise CredentialsError(f"Vault gives no token at auth/{mount}: is another kind of sign-in mounted there?")
        secrecy.register_secret(token)
        self._client.token, self._signed_in = token, True

    def _fields(self, where: str) -> dict[str, Any]:
        mount, version = self._access.kv_mount, self._access.kv_version
        try:
            if version == "1":
                data = self._client.secrets.kv.v1.read_secret(where, mount_point=mount).get("data")
            else:
                found = self._client.secrets.kv.v2.read_secret_version(where, mount_point=mount, raise_on_deleted_version=True)
                data = (found.get("data") or {}).get("data")
        except _Missing as error:
            raise self._missing(error.document) from None
        if not isinstance(data, dict):
            raise self._missing({})
        return data

    def _missing(self, document: dict[str, Any]) -> ConfigError:
        """The reason why there is no secret: it is deleted, the mount has the other version, or it is not there."""
        mount, version = self._access.kv_mount, self._access.kv_version
        data, errors = document.get("data"), document.get("errors")
        if errors and "no handler for route" in str(errors):
            return ConfigError(f"cannot be read: Vault has no mount '{mount}': check VAULT_KV_MOUNT")
        if isinstance(data, dict) and isinstance(data.get("metadata"), dict):
            destroyed = data["metadata"].get("destroyed")
            advice = "store it anew" if destroyed else "restore it by `vault kv undelete`, or store it anew"
            return ConfigError(f"is {'destroyed' if destroyed else 'deleted'}: its current version in the mount '{mount}' is; {advice}")
        if (actual := self._version_of(mount)) not in ("", version):
            return ConfigError(f"cannot be read: the mount '{mount}' is KV version {actual}: set VAULT_KV_VERSION={actual}")
        return ConfigError(
            f"is not there: the mount '{mount}' (KV version {version}) has no such secret; its path is given without the mount and `data/`"
        )

    def _version_of(self, mount: str) -> str:
        """The version of a KV mount, as Vault's own command asks for it; empty where Vault does not say."""
        try:
            found = self._client.read(f"sys/internal/ui/mounts/{mount}")["data"]
            return str((found.get("options") or {}).get("version", "1")) if found["type"] == "kv" else ""
        except (ProviderError, _Missing, KeyError, TypeError, AttributeError):
            return ""


class _Missing(Exception):
    """A status 404, with the document that came with it."""

    def __init__(self, document: dict[str, Any]) -> None:
        super().__init__()
        self.document = document


def _adapter(http: Http) -> type[Any]:
    """The class of hvac's adapter that sends requests by our HTTP client. hvac makes an object of it for each client."""

    class Adapter(hvac.adapters.JSONAdapter):  # type: ignore[misc]  # hvac has no types
        def request(self, method: str, url: str, headers: Any = None, **options: Any) -> dict[str, Any]:
            sent = {"X-Vault-Request": "true"} | ({"X-Vault-Token": self.token} if self.token else {})
            sent |= {"X-Vault-Namespace": self.namespace} if self.namespace else {}
            body = msgspec.json.encode(options["json"]) if options.get("json") is not None else None
            answer = http.send(
                method.upper(), url, body=body, what=url.removeprefix("/v1/"), headers={**sent, **(headers or {})}, accept=_TAKEN
            )
            document = _document(answer)
            if answer.status != 404:
                return document
            if "namespace not found" in (_said(answer) or ""):
                raise ConfigError(f"cannot be read: Vault has no namespace '{self.namespace}': check VAULT_NAMESPACE")
            raise _Missing(document)

    return Adapter


_TAKEN = frozenset({*range(200, 300), 404})


def _document(answer: HttpResponse) -> dict[str, Any]:
    """The document of an answer; empty for one without content. Raises `BadAnswer` for what Vault does not say."""
    return answer.object() if answer.body else {}


def _explain(answer: HttpResponse, what: str) -> ProviderError | None:
    """Vault's refusals in sentences; None for what is not its own. Its errors quote no secret."""
    said = _said(answer)
    if said is None:
        return None
    login = what.startswith("auth/") and what.endswith("/login")
    match answer.status:
        case 400 | 401 | 403 if login:
            advice = "check the role, its secret, and VAULT_AUTH_MOUNT"
            return CredentialsError(f"Vault refuses the sign-in at {what} ({answer.status}; it says: {said}): {advice}")
        case 403:
            return Denied(
                f"Vault refuses `read` on {what} (403; it says: {said}): the token has ended, or no policy of it allows that",
                permission=what,
            )
        case 429:
            return Throttled(f"Vault asks to slow down at {what} (429; it says: {said})")
        case 503:
            return TimedOut(f"Vault is sealed or does not serve (503; it says: {said}): unseal it; the next run tries again")
    return None


def _said(answer: HttpResponse) -> str | None:
    """Vault's own words about a refusal; None for an answer that Vault has not given."""
    errors = answer.document().get("errors")
    return " ".join("; ".join(map(str, errors)).split())[:300] if isinstance(errors, list) else None


def _token_of(setting: str, path: str) -> str:
    """The token in a file, which is read at each run, as somebody else renews it. Raises `CredentialsError`."""
    try:
        with Path(path).open("rb") as file:
            token = file.read(LARGEST_TOKEN + 1).decode().strip()
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise CredentialsError(f"the file {path} of {setting} cannot be read: {why}") from None
    if not token or len(token) > LARGEST_TOKEN or not token.isascii() or not token.isprintable():
        raise CredentialsError(f"the file {path} of {setting} holds no token: one line of text is expected")
    secrecy.register_secret(token)
    return token
