"""Reads where the cluster is, and who we are there, out of a kubeconfig.

A kubeconfig can run programs, read files, choose a proxy and act in somebody else's name. Whoever may create a job may do none of these:
each is refused in a job's inline kubeconfig, with the path of the key. A kubeconfig in a file is the operator's: its proxy and its
impersonation are honoured, and it may name files. Those of the file in a job's `kubeconfig_path` must lie in the same folder.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from providers import secrecy
from providers.errors import ConfigError
from providers.http.proxy import Proxy, checked
from providers.kubernetes.access import Access, impersonation
from providers.kubernetes.config import KubernetesConfig, KubernetesOperator

SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
RUNS_PROGRAMS = ("exec", "auth-provider")
NAMES_FILES = ("client-certificate", "client-key", "tokenFile", "certificate-authority")
CHANGES_THE_ROUTE = ("insecure-skip-tls-verify", "proxy-url")
IMPERSONATES = ("as", "as-uid", "as-groups", "as-user-extra")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
MAX_FILE = 1024 * 1024
"""Bytes of a kubeconfig file."""


def access(config: KubernetesConfig, operator: KubernetesOperator) -> Access:
    """Access by the job's config, else by the operator's kubeconfig, else to the cluster that we run in. Raises `ConfigError`."""
    found = _access(config, operator)
    secrecy.register_secret(found.token, found.password, found.client_key)
    return found


def _access(config: KubernetesConfig, operator: KubernetesOperator) -> Access:
    if config.server:
        return Access(server=config.server, ca=config.ca_certificate or "", token=config.token or "")
    if config.kubeconfig:
        return _Reader(config.kubeconfig, None).access(config.context)
    path = config.kubeconfig_path or operator.kubeconfig or SERVICE_ACCOUNT
    place = Path(path)
    if place.is_dir() or path == SERVICE_ACCOUNT:
        return _in_cluster(place, operator)
    return _Reader(_parsed(place), place.parent, anywhere=not config.kubeconfig_path).access(config.context)


def named_files(path: str) -> Iterator[str]:
    """The files that the kubeconfig at `path` names, for whoever must permit reading them. Never raises: the job says what is wrong."""
    place = Path(path)
    try:
        document = _parsed(place) if place.is_file() else {}
    except ConfigError:
        return
    for plural, singular in (("clusters", "cluster"), ("users", "user")):
        for entry in document.get(plural) or ():
            inner = entry.get(singular) if isinstance(entry, Mapping) else None
            named = inner if isinstance(inner, Mapping) else {}
            for key in NAMES_FILES:
                if isinstance(name := named.get(key), str) and name and "\0" not in name:
                    yield str(place.parent / name)


def _in_cluster(folder: Path, operator: KubernetesOperator) -> Access:
    host, port = operator.service_host, operator.service_port
    if not host:
        raise ConfigError(f"{folder} is a service account, but KUBERNETES_SERVICE_HOST is not set: is this worker in a cluster?")
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    token = folder / "token"
    return Access(server=server, ca=_text(folder / "ca.crt"), token=_text(token).strip(), token_file=token)


def _parsed(path: Path) -> dict[str, Any]:
    import yaml  # noqa: PLC0415 - loaded for this provider only

    try:
        found = yaml.safe_load(_text(path))
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{path} is not a kubeconfig: {str(error).splitlines()[0]}") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{path} is not a kubeconfig")
    return found


class _Reader:
    """A kubeconfig. `folder` is where its file lies, None for one that is part of a job; `anywhere` permits files outside the folder."""

    def __init__(self, document: Mapping[str, Any], folder: Path | None, *, anywhere: bool = False) -> None:
        self._document, self._folder, self._anywhere = document, folder, anywhere

    def access(self, context: str | None) -> Access:
        """Resolves a context to an address and credentials. Raises `ConfigError`."""
        chosen, _ = self._named("contexts", "context", context or self._document.get("current-context") or "")
        cluster, at_cluster = self._named("clusters", "cluster", chosen.get("cluster", ""))
        user, at_user = self._named("users", "user", chosen.get("user", ""))
        _refuse(user, at_user, RUNS_PROGRAMS)
        if self._folder is None:
            _refuse(cluster, at_cluster, (*NAMES_FILES, *CHANGES_THE_ROUTE))
            _refuse(user, at_user, (*NAMES_FILES, *IMPERSONATES))
        token_file = self._file(user, "tokenFile", at_user)
        return Access(
            server=_server(cluster, at_cluster),
            ca=self._pem(cluster, "certificate-authority", at_cluster),
            token=_text(token_file).strip() if token_file else str(user.get("token") or "").strip(),
            token_file=token_file,
            client_certificate=self._pem(user, "client-certificate", at_user),
            client_key=self._pem(user, "client-key", at_user),
            user=str(user.get("username") or ""),
            password=str(user.get("password") or ""),
            tls_server_name=str(cluster.get("tls-server-name") or ""),
            verify=not cluster.get("insecure-skip-tls-verify"),
            proxy=_proxy(cluster, at_cluster),
            impersonate=_impersonation(user, at_user),
        )

    def _named(self, plural: str, singular: str, name: str) -> tuple[dict[str, Any], str]:
        entries = self._document.get(plural)
        for number, entry in enumerate(entries if isinstance(entries, list) else ()):
            if isinstance(entry, Mapping) and entry.get("name") == name and isinstance(entry.get(singular), dict):
                return entry[singular], f"{plural}[{number}].{singular}"
        raise ConfigError(f"the kubeconfig has no {singular} named '{name}'")

    def _pem(self, entry: Mapping[str, Any], key: str, where: str) -> str:
        data = entry.get(f"{key}-data")
        if not data:
            path = self._file(entry, key, where)
            return _text(path) if path else ""
        try:
            return base64.b64decode(str(data), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise ConfigError(f"the kubeconfig's `{where}.{key}-data` is not base64 of a PEM file") from None

    def _file(self, entry: Mapping[str, Any], key: str, where: str) -> Path | None:
        """The file that a key names; relative names are relative to the kubeconfig's folder."""
        name = entry.get(key)
        if not name or self._folder is None:
            return None
        path = (self._folder / str(name)).resolve()
        if not self._anywhere and not path.is_relative_to(self._folder.resolve()):
            raise ConfigError(f"the kubeconfig's `{where}.{key}` is refused: it lies outside the kubeconfig's own folder")
        return self._folder / str(name)


def _server(cluster: Mapping[str, Any], where: str) -> str:
    server = str(cluster.get("server", ""))
    if not server.startswith("https://"):
        raise ConfigError(f"the kubeconfig's `{where}.server` must begin with https://")
    return server


def _proxy(cluster: Mapping[str, Any], where: str) -> Proxy | None:
    url = str(cluster.get("proxy-url") or "")
    return checked(url, f"the kubeconfig's `{where}.proxy-url`") if url else None


def _impersonation(user: dict[str, Any], where: str) -> dict[str, str | tuple[str, ...]]:
    groups, extra = user.get("as-groups") or [], user.get("as-user-extra") or {}
    if not isinstance(groups, list) or not isinstance(extra, dict) or not all(isinstance(values, list) for values in extra.values()):
        raise ConfigError(f"the kubeconfig's `{where}`: `as-groups` is a list, and `as-user-extra` is a map of lists")
    if (groups or extra or user.get("as-uid")) and not user.get("as"):
        raise ConfigError(f"the kubeconfig's `{where}` has groups to impersonate and no `as`")
    headers = impersonation(user)
    if any(_CONTROL.search(value) for values in headers.values() for value in ((values,) if isinstance(values, str) else values)):
        raise ConfigError(f"the kubeconfig's `{where}` has a line break or a control character in what it impersonates")
    return headers


def _refuse(entry: Mapping[str, Any], where: str, keys: tuple[str, ...]) -> None:
    for key in keys:
        if entry.get(key):
            raise ConfigError(
                f"the kubeconfig's `{where}.{key}` is refused: a job may not run programs, read files, skip verification, "
                "choose a proxy or act as somebody else"
            )


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MAX_FILE + 1)
    except (OSError, UnicodeError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {type(error).__name__}") from None
    if len(text) > MAX_FILE:
        raise ConfigError(f"{path} is larger than {MAX_FILE:,} bytes")
    return text
