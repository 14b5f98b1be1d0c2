"""Searches of a directory, each to its last entry and each attribute to its last value; a search that breaks is begun anew."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

from ldap3.core import exceptions as errors
from ldap3.utils.conv import escape_bytes

from providers import progress
from providers.errors import (
    BadAnswer,
    ConfigError,
    CredentialsError,
    PageExpired,
    PageTooLarge,
    ProviderError,
    ScopeError,
    Throttled,
    TimedOut,
)
from providers.http import retry
from providers.ldap import failure
from providers.ldap.config import LdapConfig
from providers.ldap.connection import Connections, is_encrypted
from providers.ldap.entries import IDENTITY, Raw
from providers.ldap.referrals import Referrals
from providers.pages import Page, by_token, items, restarted
from providers.records import UNREADABLE

SEARCH_TIMEOUT = 60
"""Seconds that the server may take for one page."""

TRIES = 3
"""Attempts to read one page: together shorter than the time for which a job may be idle."""

Level = Literal["BASE", "LEVEL", "SUBTREE"]

_PAGES = "1.2.840.113556.1.4.319"
"""The control of paged searches (RFC 2696)."""

_RANGE = re.compile(r"(.+);range=(\d+)-(\d+|\*)", re.IGNORECASE)


class Entry(NamedTuple):
    """One entry: its DN as the server spells it, and its attributes under the names that were asked for.

    `UNREADABLE` among them names those whose values did not all come.
    """

    dn: bytes
    raw: Raw

    def __repr__(self) -> str:
        return f"Entry({self.dn!r})"  # groups have megabytes of members, and the pager compares entries by this


class Token(NamedTuple):
    """The position of the next page: the server's cookie, and the connection that it is good for.

    `page` tells tokens apart: Samba gives one cookie for all pages, and 389 Directory Server numbers its own.
    """

    page: int
    connection: int
    cookie: bytes


class Broken(PageExpired, TimedOut):
    """The connection broke within a paged search."""


class Client:
    """Not for several threads at once. Only one search at a time may have pages left: some directories forget the other's place."""

    def __init__(self, config: LdapConfig) -> None:
        self._config = config
        self.connections = Connections(config)
        self.connections.credential.confirm_by(self._confirm)
        self.paged = True
        """False once the directory has refused to page."""
        self.referrals = Referrals(config.base_dn, config.expected_parts)

    def search(self, base: str, query: str, attributes: Sequence[str], scope: Level = "SUBTREE") -> Iterator[Entry]:
        """Every entry that fits, each once. Raises `ProviderError`."""
        ask = functools.partial(self._page, base, query, list(attributes), scope)
        pager = functools.partial(by_token, ask, what=f"search '{base}' for {query}", size=self._config.page_size)
        return items(restarted(pager, key=lambda entry: entry.dn))

    def base(self, dn: str, attributes: Sequence[str]) -> Raw:
        """The attributes of one entry. Raises `ProviderError`; `ConfigError` when the entry is not there."""
        found, _ = self._tried(dn, "(objectClass=*)", list(attributes), "BASE", None)
        return found[0].raw if found else {}

    def pages(self, base: str) -> bool:
        """True when the directory pages searches for this account."""
        try:
            self._tried(base, "(objectClass=*)", ["1.1"], "LEVEL", (1, b""))
        except (failure.NotPaged, PageTooLarge):
            self.paged = False
        return self.paged

    def close(self) -> None:
        """Unbinds from the server."""
        self.connections.close()

    # --- one page

    def _page(self, base: str, query: str, attributes: list[str], scope: Level, token: Token | None, size: int) -> Page:
        if token and token.connection != self.connections.number:
            raise Broken("the connection to the directory broke within a search, and did so again after each new beginning")
        control = (size, token.cookie if token else b"") if self.paged and scope != "BASE" else None
        try:
            found, cookie = self._tried(base, query, attributes, scope, control)
        except (failure.NotPaged, PageTooLarge) as error:
            if isinstance(error, PageTooLarge) and size > 1:
                raise
            self.paged = False
            found, cookie = self._tried(base, query, attributes, scope, None)
        following = Token(token.page + 1 if token else 1, self.connections.number, cookie) if cookie else None
        return Page([whole for entry in found if (whole := self._whole(base, entry)) is not None], following)

    def _tried(
        self, base: str, query: str, attributes: list[str], scope: Level, control: tuple[int, bytes] | None
    ) -> tuple[list[Entry], bytes]:
        """The entries of one page and the cookie of the next, tried again while the directory is busy or silent.

        After a page that broke within a search there is no trying again: its cookie is worth nothing on a new connection.
        """
        first = not control or not control[1]
        retrying = retry.retrying(TRIES, again=lambda error: isinstance(error, Throttled) or (isinstance(error, TimedOut) and first))
        try:
            answer: tuple[list[Entry], bytes] = retrying(self._once, base, query, attributes, scope, control)
        except TimedOut as error:
            if first:
                raise
            raise Broken(str(error), detail=error.detail) from None
        return answer

    def _once(
        self, base: str, query: str, attributes: list[str], scope: Level, control: tuple[int, bytes] | None
    ) -> tuple[list[Entry], bytes]:
        try:
            answer = self._asked(base, query, attributes, scope, control)
        except failure.Refused as refused:
            raise self._verdict(refused) from None
        self.connections.credential.accepted()
        return answer

    def _verdict(self, refused: failure.Refused) -> ProviderError:
        """The error for a refused search: of the account when its base entry is refused too, else of this search alone."""
        number = self.connections.number
        try:
            self.connections.credential.judge(refused)
        except failure.Unwilling as undecided:
            return ScopeError(str(undecided), detail=undecided.detail)
        except CredentialsError as dead:
            return dead
        if self.connections.number != number:
            return failure.SignedOut(f"{refused.alone}, after a new bind", detail=refused.detail)
        return ScopeError(refused.alone, detail=refused.detail)

    def _confirm(self) -> None:
        """Asks for the base entry, which the account has read before, and once more after a new bind. Raises `ProviderError`."""
        ask = functools.partial(self._asked, self._config.base_dn, "(objectClass=*)", ["1.1"], "BASE", None)
        try:
            ask()
        except failure.Refused:
            self.connections.close()
            ask()

    def _asked(
        self, base: str, query: str, attributes: list[str], scope: Level, control: tuple[int, bytes] | None
    ) -> tuple[list[Entry], bytes]:
        connection, server = self.connections.get(), str(self.connections.server)
        try:
            connection.search(base, query, scope, attributes=attributes, time_limit=SEARCH_TIMEOUT, **_paging(control))
            progress.answered()
            came = len(connection.response or ())
            anonymous, encrypted = not self._config.bind_dn, is_encrypted(connection)
            failure.check(connection.result, base, anonymous=anonymous, found=came, control=control, encrypted=encrypted)
        except errors.LDAPException as error:
            self.connections.failed()
            raise failure.classified(error, server) from None
        except (LookupError, ValueError, TypeError) as error:  # how ldap3's decoder meets what is not LDAP
            self.connections.failed()
            raise BadAnswer("the directory's answer makes no sense", detail=f"{type(error).__name__}: {error}") from None
        except TimedOut:
            self.connections.failed()
            raise
        names = {name.lower(): name for name in attributes}
        found = [_entry(one, names) for one in connection.response or () if one["type"] == "searchResEntry"]
        self.referrals.note(connection.response or ())
        given = (connection.result.get("controls") or {}).get(_PAGES)
        if control and not given:  # whether it is the last page, whatever its size, only the control tells (RFC 2696)
            raise failure.NotPaged("the directory was asked for pages, and its answer does not say whether more follow")
        return found, given["value"]["cookie"] if given else b""

    # --- ranges

    def _whole(self, base: str, entry: Entry) -> Entry | None:
        """The entry with all values: Active Directory gives 1,500 at once, as ``member;range=0-1499``. None when it is gone meanwhile.

        What a server refuses to go on with is that entry's trouble: the entry stays, with the values that came.
        """
        ranges = [match for key in entry.raw if ";" in key and (match := _RANGE.fullmatch(key))]
        for match in ranges:
            values = entry.raw[match[1]] = [*entry.raw.pop(match[0])]
            try:
                _check_count(match, values)
                values.extend(self._rest(entry.dn.decode(), match[1], match[3]))
            except (PageExpired, Throttled, TimedOut):
                raise
            except (ConfigError, ScopeError, UnicodeDecodeError) as error:
                if isinstance(error, failure.NoSuchEntry) and not self._is_there(base, entry):
                    return None
                entry.raw.setdefault(UNREADABLE, []).append(match[1].encode())
        return entry

    def _is_there(self, base: str, entry: Entry) -> bool:
        """True unless a search for the entry's own id finds nothing: a server may not find a DN that it has given itself."""
        name, value = next(((name, entry.raw[name][0]) for name in IDENTITY if entry.raw.get(name)), ("", b""))
        return not name or bool(self._tried(base, f"({name}={escape_bytes(value)})", ["1.1"], "SUBTREE", None)[0])

    def _rest(self, dn: str, name: str, last: str) -> Iterator[bytes]:
        """The values after the one numbered `last`; ``*`` is the end."""
        while last != "*":
            start = int(last) + 1
            found = self.base(dn, [f"{name};range={start}-*"])
            matches = (_RANGE.fullmatch(key) for key in found)
            match = next((one for one in matches if one and one[1].lower() == name.lower()), None)
            if match is None or int(match[2]) != start:
                raise PageExpired(
                    f"the directory did not go on with the {name} of '{dn}' at {start}: it changed each time while it was read"
                )
            _check_count(match, found[match[0]])
            yield from found[match[0]]
            last = match[3]


def _check_count(match: re.Match[str], values: Sequence[bytes]) -> None:
    """Raises `BadAnswer` for a range that does not hold what its name says, which is one value or more."""
    if match[3] != "*" and not 0 < len(values) == int(match[3]) - int(match[2]) + 1:
        raise BadAnswer(f"the directory names a range of values {match[0]}, and gives {len(values)}")


def _paging(control: tuple[int, bytes] | None) -> dict[str, Any]:
    return {"paged_size": control[0], "paged_criticality": True, "paged_cookie": control[1] or None} if control else {}


def _entry(found: dict[str, Any], names: dict[str, str]) -> Entry:
    """An entry of ldap3's, with each attribute under the name that was asked for, whatever its case in the answer."""
    return Entry(found["raw_dn"], {_asked(key, names): values for key, values in found["raw_attributes"].items()})


def _asked(key: str, names: dict[str, str]) -> str:
    """The name of an attribute as it was asked for, with the range that it has in the answer."""
    name, options, rest = key.partition(";")
    return names.get(key.lower()) or names.get(name.lower(), name) + options + rest
