"""TLS to the database and to the Elder API: what is in the clear is remarked upon, and CA files are tried at the start."""

from __future__ import annotations

import ipaddress
import re
import ssl
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

DATABASES = ("database_url", "database_read_url", "database_listen_url")

WITH_TLS = frozenset({"require", "verify-ca", "verify-full"})
"""Values of sslmode with which libpq refuses a connection without TLS; all others, and none, allow one."""

_KEYWORD = re.compile(r"(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|[^\s']*)")


def remarks(values: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for the databases that are reached over a network and need no TLS; none for sockets and this machine."""
    clear = {field: _remote(values[field]) for field in DATABASES if field in values}
    found = {field: hosts for field, hosts in clear.items() if hosts}
    if found:
        names = " and ".join(field.upper() for field in found)
        hosts = ", ".join(sorted({host for each in found.values() for host in each}))
        yield (
            f"{names}: nothing demands TLS on the way to {hosts}, so the password and the inventory may be read there: add "
            "sslmode=verify-full and sslrootcert=FILE (or sslrootcert=system) to the URL, or sslmode=require where the server's "
            "certificate cannot be checked; on a network that only these containers share it may be meant"
        )


def unusable(values: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for a CA file that cannot be used."""
    for field in ("elder_api_ca_bundle", "elder_oidc_ca_bundle", "elder_webhook_ca_bundle"):
        if path := values.get(field):
            yield from ca_faults(field.upper(), path)


def ca_faults(name: str, path: str) -> Iterator[str]:
    """A sentence about the CA file of the setting `name` if it cannot be used."""
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:  # an SSLError is one
        why = "it holds no certificate in PEM" if isinstance(error, ssl.SSLError) else f"it cannot be read ({error.strerror})"
        yield f"{name}: {path} cannot be used: {why}"


def _remote(dsn: str) -> tuple[str, ...]:
    """The hosts of a DSN that are reached over a network without TLS being demanded."""
    parameters = _parameters(dsn)
    if parameters.get("sslmode", "") in WITH_TLS:
        return ()
    hosts = (parameters.get("hostaddr") or parameters.get("host") or "").split(",")
    return tuple(host for host in hosts if host and not _is_local(host))


def _parameters(dsn: str) -> dict[str, str]:
    """The parameters of libpq in a URL or in ``host=... dbname=...``; what cannot be read has none, and connecting tells why."""
    if "://" not in dsn:
        return {name: value.strip("'") for name, value in _KEYWORD.findall(dsn)}
    try:
        parts = urlsplit(dsn)
    except ValueError:
        return {}
    hosts = (_host(one) for one in parts.netloc.rpartition("@")[2].split(","))
    return {"host": ",".join(hosts)} | dict(parse_qsl(parts.query))


def _host(address: str) -> str:
    """The host of ``host:port``, of ``[::1]:port``, and of a socket's folder with its slashes as %2F."""
    bracketed = re.match(r"\[([^\]]*)\]", address)
    return bracketed[1] if bracketed else unquote(address.rpartition(":")[0] if ":" in address else address)


def _is_local(host: str) -> bool:
    if host.startswith(("/", "@")) or host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
