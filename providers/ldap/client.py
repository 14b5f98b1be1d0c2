"""One connection to a directory: bound, with time-outs, read in pages, its errors in our words."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from typing import Any, Literal

import ldap3
from ldap3.core import exceptions as errors

from providers.errors import BadAnswer, ConfigError, CredentialsError, Denied, ProviderError, ScopeError, TimedOut
from providers.ldap.config import LdapConfig

CONNECT, RECEIVE, SEARCH = 10, 60, 120
"""Seconds to connect, between two answers, and for one page on the server's side."""

PAGE_BUDGET = 1_000_000

Level = Literal["BASE", "LEVEL", "SUBTREE"]

Entry = tuple[str, dict[str, list[bytes]]]
"""(DN, attribute -> values as they came)."""


class Client:
    """Not for several threads at once."""

    def __init__(self, config: LdapConfig) -> None:
        self._config = config
        self._connection: ldap3.Connection | None = None
        self.calls = 0

    def search(self, base: str, query: str, attributes: list[str], scope: Level = "SUBTREE") -> Iterator[Entry]:
        """Every entry that fits, to the last page. Raises `ProviderError`."""
        cookie: bytes | None = None
        seen: set[bytes] = set()
        paged = scope != "BASE"
        while True:
            yield from self._page(base, query, attributes, scope, cookie if paged else None, paged=paged)
            cookie = self._cookie() if paged else None
            if not cookie:
                return
            if cookie in seen or len(seen) > PAGE_BUDGET:
                raise BadAnswer("the pages of the directory lead in a circle")
            seen.add(cookie)

    def close(self) -> None:
        """Unbinds."""
        if self._connection is not None:
            _hang_up(self._connection)

    def _page(self, base: str, query: str, attributes: list[str], scope: Level, cookie: bytes | None, *, paged: bool) -> list[Entry]:
        connection = self._bound()
        try:
            connection.search(
                base,
                query,
                scope,
                attributes=attributes,
                time_limit=SEARCH,
                paged_size=self._config.page_size if paged else None,
                paged_criticality=paged,
                paged_cookie=cookie,
            )
        except errors.LDAPException as error:
            raise classified(error) from None
        self.calls += 1
        _check(connection.result, base)
        found = connection.response or []
        return [(one["dn"], one["raw_attributes"]) for one in found if one["type"] == "searchResEntry"]

    def _cookie(self) -> bytes | None:
        assert self._connection is not None
        control = (self._connection.result.get("controls") or {}).get("1.2.840.113556.1.4.319")
        return control["value"]["cookie"] if control else None

    def _bound(self) -> ldap3.Connection:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> ldap3.Connection:
        config = self._config
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED if config.verify_cert else ssl.CERT_NONE, ca_certs_file=config.ca_cert)
        port = config.port or (636 if config.use_ssl else 389)
        server = ldap3.Server(config.server, port, config.use_ssl, get_info=ldap3.NONE, tls=tls, connect_timeout=CONNECT)
        connection = ldap3.Connection(
            server,
            config.bind_dn,
            config.bind_password,
            auto_referrals=False,
            check_names=False,
            receive_timeout=RECEIVE,
            return_empty_attributes=False,
            read_only=True,
        )
        try:
            connection.open()
            if config.start_tls:
                connection.start_tls()
            bound = connection.bind()
        except errors.LDAPException as error:
            _hang_up(connection)
            raise classified(error) from None
        if not bound:
            refusal = _refused(connection.result, config)
            _hang_up(connection)
            raise refusal
        return connection


def _hang_up(connection: ldap3.Connection) -> None:
    """Closes the socket, in whatever state it is; ldap3 leaves it open when a handshake fails."""
    with contextlib.suppress(errors.LDAPException, OSError):
        connection.unbind()
    if connection.socket is not None:
        connection.socket.close()


def _refused(result: dict[str, Any], config: LdapConfig) -> ProviderError:
    detail = f"{result['description']}: {result['message']}"
    if result["result"] in (8, 13):  # strongerAuthRequired, confidentialityRequired
        return CredentialsError(
            "the directory does not take a password over an unencrypted connection: set LDAP_START_TLS=true or LDAP_USE_SSL=true",
            detail=detail,
        )
    who = config.bind_dn or "anonymous"
    return CredentialsError(
        f"the directory does not let '{who}' in ({result['description']}): check LDAP_BIND_DN and its password", detail=detail
    )


def _check(result: dict[str, Any], base: str) -> None:
    """Raises unless the search has succeeded to its end: half of an answer is not an answer."""
    detail = f"{result['description']}: {result['message']}"
    match result["result"]:
        case 0:
            return
        case 3 | 4 | 11:
            limit = {3: "time", 4: "size", 11: "administrative"}[result["result"]]
            raise ScopeError(
                f"the directory cut the answer short ({limit} limit exceeded): raise that limit for the bind DN", detail=detail
            )
        case 32:
            raise ConfigError(f"there is no '{base}' in the directory, or it may not be seen: check LDAP_BASE_DN", detail=detail)
        case 50:
            raise Denied(
                f"the directory refuses to search '{base}': the bind DN needs the right to read there", permission="read", detail=detail
            )
        case 51 | 52 | 80 | 85:
            raise TimedOut(f"the directory is busy or going down ({result['description']})", detail=detail)
        case _:
            raise ScopeError(f"the directory answered {result['description']} to a search of '{base}'", detail=detail)


def classified(error: Exception) -> ProviderError:
    """Our error for one of ldap3's."""
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text or "certificate verify failed" in text or "doesn't match" in text:
        return CredentialsError(
            "the directory's certificate cannot be verified: name its CA in LDAP_CA_CERT, or correct LDAP_SERVER", detail=text
        )
    if isinstance(error, errors.LDAPInvalidFilterError):
        return ConfigError("LDAP_USER_FILTER or LDAP_GROUP_FILTER is not an LDAP filter", detail=text)
    if isinstance(error, errors.LDAPStartTLSError):
        return CredentialsError("the directory does not offer StartTLS, or it failed: check LDAP_START_TLS and LDAP_PORT", detail=text)
    return TimedOut(f"no answer from the directory, or the connection was cut ({type(error).__name__})", detail=text)
