"""Where the cluster is and who we are there, out of a kubeconfig that is not trusted.

A kubeconfig can run programs and read files. Whoever may make a job may not do either: what would is refused, with the path of the key.
A kubeconfig that lies in a file of the operator's may name files beside itself.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from providers import secrecy
from providers.errors import ConfigError
from providers.kubernetes.config import KubernetesConfig, KubernetesOperator

RUNS_PROGRAMS = ("exec", "auth-provider")
NAMES_FILES = ("client-certificate", "client-key", "tokenFile", "certificate-authority")


class Access(msgspec.Struct, frozen=True):
    """How to reach a cluster. Certificates and keys are PEM."""

    server: str
    ca: str = ""
    token: str = ""
    client_certificate: str = ""
    client_key: str = ""
    user: str = ""
    password: str = ""
    tls_server_name: str = ""


def access(config: KubernetesConfig, operator: KubernetesOperator) -> Access:
    """From the job's config, else the operator's kubeconfig, else the cluster that we run in. Raises `ConfigError`."""
    found = _access(config, operator)
    secrecy.learned(found.token, found.password, found.client_key)
    return found


def _access(config: KubernetesConfig, operator: KubernetesOperator) -> Access:
    if config.server:
        return Access(config.server, config.ca_certificate or "", config.token or "")
    if config.kubeconfig:
        return _from_kubeconfig(config.kubeconfig, config.context, None)
    path = config.kubeconfig_path or operator.kubeconfig
    if not path:
        return _in_cluster(Path("/var/run/secrets/kubernetes.io/serviceaccount"), operator)
    place = Path(path)
    if place.is_dir():
        return _in_cluster(place, operator)
    return _from_kubeconfig(_parsed(place), config.context, place.parent)


def _in_cluster(folder: Path, operator: KubernetesOperator) -> Access:
    host, port = operator.service_host, operator.service_port
    if not host:
        raise ConfigError(f"{folder} is a service account, but KUBERNETES_SERVICE_HOST is not set: is this worker in a cluster?")
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    return Access(server, ca=_text(folder / "ca.crt"), token=_text(folder / "token").strip())


def _parsed(path: Path) -> dict[str, Any]:
    import yaml  # noqa: PLC0415 - comes with the kubernetes package

    try:
        found = yaml.safe_load(_text(path))
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not a kubeconfig: {str(error).splitlines()[0]}") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{path} is not a kubeconfig")
    return found


def _from_kubeconfig(document: Mapping[str, Any], context: str | None, folder: Path | None) -> Access:
    wanted = context or document.get("current-context") or ""
    chosen, _ = _named(document, "contexts", "context", wanted)
    cluster, at_cluster = _named(document, "clusters", "cluster", chosen.get("cluster", ""))
    user, at_user = _named(document, "users", "user", chosen.get("user", ""))
    _refuse(cluster, at_cluster, ("insecure-skip-tls-verify",) if folder is None else ())
    _refuse(user, at_user, RUNS_PROGRAMS)
    if folder is None:
        _refuse(cluster, at_cluster, NAMES_FILES)
        _refuse(user, at_user, NAMES_FILES)
    server = str(cluster.get("server", ""))
    if not server.startswith("https://"):
        raise ConfigError(f"the kubeconfig's `{at_cluster}.server` must begin with https://")
    return Access(
        server,
        ca=_pem(cluster, "certificate-authority", at_cluster, folder),
        token=str(user.get("token") or "") or _file(user, "tokenFile", at_user, folder).strip(),
        client_certificate=_pem(user, "client-certificate", at_user, folder),
        client_key=_pem(user, "client-key", at_user, folder),
        user=str(user.get("username") or ""),
        password=str(user.get("password") or ""),
        tls_server_name=str(cluster.get("tls-server-name") or ""),
    )


def _named(document: Mapping[str, Any], plural: str, singular: str, name: str) -> tuple[dict[str, Any], str]:
    entries = document.get(plural)
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, Mapping) and entry.get("name") == name and isinstance(entry.get(singular), dict):
            return entry[singular], f"{plural}[{number}].{singular}"
    raise ConfigError(f"the kubeconfig has no {singular} named '{name}'")


def _refuse(entry: Mapping[str, Any], where: str, keys: tuple[str, ...]) -> None:
    for key in keys:
        if entry.get(key):
            raise ConfigError(f"the kubeconfig's `{where}.{key}` is refused: a job may not run programs, read files or skip verification")


def _pem(entry: Mapping[str, Any], key: str, where: str, folder: Path | None) -> str:
    data = entry.get(f"{key}-data")
    if not data:
        return _file(entry, key, where, folder)
    try:
        return base64.b64decode(str(data), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise ConfigError(f"the kubeconfig's `{where}.{key}-data` is not base64 of a PEM file") from None


def _file(entry: Mapping[str, Any], key: str, where: str, folder: Path | None) -> str:
    """A file beside the kubeconfig; one elsewhere is refused."""
    name = entry.get(key)
    if not name or folder is None:
        return ""
    path = (folder / str(name)).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ConfigError(f"the kubeconfig's `{where}.{key}` is refused: it lies outside the kubeconfig's own folder")
    return _text(path)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"{path} cannot be read: {type(error).__name__}") from None
