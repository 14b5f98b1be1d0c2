"""The servers of a directory, from what an operator writes: ``dc1.example.com, dc2.example.com:3268, ldaps://dc3.example.com``."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import msgspec

PLAIN, TLS = 389, 636
GLOBAL_CATALOG_TLS = 3269
"""Active Directory's other port that is encrypted from the first byte."""

EXAMPLES = "such as dc1.example.com, dc1.example.com:3268 or ldaps://dc1.example.com"


class Server(msgspec.Struct, frozen=True):
    """One server. `tls` is true for LDAPS, false for a connection that begins in plain text."""

    host: str
    port: int
    tls: bool

    def __str__(self) -> str:
        usual = TLS if self.tls else PLAIN
        return self.host if self.port == usual else f"{self._bracketed}:{self.port}"

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def servers(text: str, port: int | None = None, use_ssl: bool | None = None) -> tuple[Server, ...]:
    """The servers in `text`, in its order, separated by commas or blanks. `port` and `use_ssl` are for those that do not say theirs.

    Raises `ValueError`, which says what is wrong.
    """
    found = tuple(_server(one, port, use_ssl) for one in re.split(r"[\s,]+", text.strip()) if one)
    if not found:
        raise ValueError(f"it must be one host, or several with commas between them, {EXAMPLES}")
    return tuple(dict.fromkeys(found))


def _server(text: str, port: int | None, use_ssl: bool | None) -> Server:
    scheme, host, own_port = _parts(text)
    if scheme not in ("", "ldap", "ldaps"):
        raise ValueError(f"'{scheme}' is not a scheme of a directory: it must be ldap or ldaps")
    if scheme and use_ssl not in (None, scheme == "ldaps"):
        raise ValueError(f"'{text}' and `use_ssl` contradict each other: leave one of them out")
    if scheme and not own_port and port == (PLAIN if scheme == "ldaps" else TLS):
        raise ValueError(f"'{text}' and `port` {port} contradict each other: leave one of them out")
    number = own_port or port
    tls = scheme == "ldaps" or (not scheme and _is_tls(number, use_ssl))
    return Server(host, number or (TLS if tls else PLAIN), tls)


def _is_tls(port: int | None, use_ssl: bool | None) -> bool:
    return use_ssl if use_ssl is not None else port in (TLS, GLOBAL_CATALOG_TLS)


def _parts(text: str) -> tuple[str, str, int | None]:
    """Scheme, host and port, of which scheme and port may be missing."""
    parts = urlsplit(text if "://" in text else f"//{text}")
    try:
        port = parts.port
    except ValueError:
        raise ValueError(f"'{text}' has a port that is not a number from 1 to 65535") from None
    if not parts.hostname or parts.username is not None or parts.path.strip("/") or parts.query or port == 0:
        raise ValueError(f"'{text}' is not a server: it must be a host, {EXAMPLES}")
    return parts.scheme, parts.hostname, port
