"""One connection to a directory: bound, with time-outs, read in pages and ranges, made anew when it breaks."""

from __future__ import annotations

import contextlib
import re
import ssl
from collections.abc import Iterator
from typing import Literal

import ldap3
from ldap3.core import exceptions as errors

from providers import progress
from providers.errors import BadAnswer, Throttled, TimedOut
from providers.http import retry
from providers.ldap import failure
from providers.ldap.config import LdapConfig

CONNECT, SEARCH, RECEIVE = 10, 60, 90
"""Seconds to connect, for one page on the server's side, and for any answer: the server gives up first, and says so."""

TRIES = 3
"""Of one page: together shorter than what a job may be idle."""

PAGE_BUDGET = 100_000
"""Pages of one search: more is a loop, not a list."""

Level = Literal["BASE", "LEVEL", "SUBTREE"]

Attributes = dict[str, list[bytes]]
Entry = tuple[str, Attributes]
"""(DN, attribute -> values as they came)."""

_PAGES = "1.2.840.113556.1.4.319"
_RANGE = re.compile(r"(.+);range=(\d+)-(\d+|\*)", re.IGNORECASE)


class Client:
    """Not for several threads at once. Of `search`, only one at a time may have pages left: some directories forget the other's place."""

    def __init__(self, config: LdapConfig) -> None:
        self._config = config
        self._connection: ldap3.Connection | None = None

    def search(self, base: str, query: str, attributes: list[str], scope: Level = "SUBTREE") -> Iterator[Entry]:
        """Every entry that fits, to the last page, each attribute to its last value. Raises `ProviderError`."""
        cookie, pages = b"", 0
        seen: set[tuple[bytes, str]] = set()
        while True:
            page, cookie = self._page(base, query, attributes, scope, cookie)
            for dn, found in page:
                yield dn, self._whole(dn, found)
            if not cookie:
                return
            pages += 1
            place = (cookie, page[0][0] if page else f"page {pages}")  # Samba gives one cookie for all pages, and pages may be empty
            if place in seen or pages > PAGE_BUDGET:
                raise BadAnswer("the pages of the directory lead in a circle")
            seen.add(place)

    def close(self) -> None:
        """Unbinds."""
        if self._connection is not None:
            _hang_up(self._connection)
            self._connection = None

    # --- one request

    def _page(self, base: str, query: str, attributes: list[str], scope: Level, cookie: bytes) -> tuple[list[Entry], bytes]:
        """One page and the cookie of the next.

        Tried again while the directory is busy; when the connection broke, only from the start: a cookie means nothing to another one.
        """
        retrying = retry.retrying(TRIES, again=lambda error: isinstance(error, Throttled) or (isinstance(error, TimedOut) and not cookie))
        answer: tuple[list[Entry], bytes] = retrying(self._once, base, query, attributes, scope, cookie)
        return answer

    def _once(self, base: str, query: str, attributes: list[str], scope: Level, cookie: bytes) -> tuple[list[Entry], bytes]:
        paged = scope != "BASE"
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
                paged_cookie=cookie or None,
            )
            progress.answered()
            failure.check(connection.result, base, anonymous=not self._config.bind_dn)
        except errors.LDAPException as error:
            self.close()
            raise failure.classified(error) from None
        except TimedOut:
            self.close()
            raise
        control = (connection.result.get("controls") or {}).get(_PAGES)
        found = [(one["dn"], one["raw_attributes"]) for one in connection.response or () if one["type"] == "searchResEntry"]
        return found, control["value"]["cookie"] if control else b""

    # --- ranges

    def _whole(self, dn: str, found: Attributes) -> Attributes:
        """The attributes with all their values: Active Directory gives 1,500 at once, as ``member;range=0-1499``."""
        for key in [key for key in found if ";" in key]:
            if match := _RANGE.fullmatch(key):
                found[match[1]] = [*found.pop(key), *self._rest(dn, match[1], match[3])]
        return found

    def _rest(self, dn: str, name: str, last: str) -> Iterator[bytes]:
        """The values after the one numbered `last`; ``*`` is the end."""
        while last != "*":
            start = int(last) + 1
            ((_, found),) = self._page(dn, "(objectClass=*)", [f"{name};range={start}-*"], "BASE", b"")[0] or ((dn, {}),)
            matches = (_RANGE.fullmatch(key) for key in found)
            match = next((one for one in matches if one and one[1].lower() == name.lower()), None)
            if match is None or int(match[2]) != start:
                raise BadAnswer(f"the directory did not go on with the {name} of '{dn}' at {start}: the group changed while it was read")
            yield from found[match[0]]
            last = match[3]

    # --- the connection

    def _bound(self) -> ldap3.Connection:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> ldap3.Connection:
        config = self._config
        validate = ssl.CERT_REQUIRED if config.verify_cert else ssl.CERT_NONE
        version = ssl.PROTOCOL_TLS_CLIENT if config.ca_cert else None  # the first is not strict: see `providers.http.tls`
        tls = ldap3.Tls(validate=validate, version=version, ca_certs_file=config.ca_cert)
        port = config.port or (636 if config.use_ssl else 389)
        server = ldap3.Server(config.server, port, config.use_ssl, get_info=ldap3.NONE, tls=tls, connect_timeout=CONNECT)
        connection = ldap3.Connection(
            server,
            config.bind_dn,
            config.bind_password,
            auto_referrals=False,
            auto_range=False,  # ldap3's own takes a refused range for the last one
            check_names=False,
            receive_timeout=RECEIVE,
            return_empty_attributes=False,
            read_only=True,
        )
        try:
            connection.open()
            if config.start_tls:
                connection.start_tls()
            bound = connection.bind(controls=[(failure.PASSWORD_POLICY, False, None)])
        except errors.LDAPException as error:
            _hang_up(connection)
            raise failure.classified(error) from None
        if not bound:
            refusal = failure.refused(connection.result, config)
            _hang_up(connection)
            raise refusal
        return connection


def _hang_up(connection: ldap3.Connection) -> None:
    """Closes the socket, in whatever state it is; ldap3 leaves it open when a handshake fails."""
    with contextlib.suppress(errors.LDAPException, OSError):
        connection.unbind()
    if connection.socket is not None:
        connection.socket.close()
