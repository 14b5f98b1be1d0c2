"""Parts below the base that other servers hold (SearchResultReference, RFC 4511): they are not read, and nothing there is known to be gone.

Active Directory refers every search from the root of a domain to its configuration and its DNS zones, which hold no people. Any other part
may have been read before: from a server that held it, from the global catalog, or before it was moved away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from providers.errors import Outcome
from providers.ldap import dn as names
from providers.records import Incomplete

_OWN_ZONES = ("cn=configuration", "dc=domaindnszones", "dc=forestdnszones")
"""How the names begin that Active Directory always refers to, at the root of a domain."""


class Referrals:
    """The references in the answers of one directory."""

    def __init__(self, base: str, expected: Iterable[str]) -> None:
        """`expected` are DNs of parts that are no part of the inventory. Raises `DnError`."""
        self._base, self._expected = base, frozenset(map(names.normal, expected))
        self._parts: dict[str, str] = {}

    def note(self, response: Iterable[Mapping[str, Any]]) -> None:
        """Remembers the references (`searchResRef`) of an answer; the addresses of one reference are all of the same part."""
        for one in response:
            urls = [str(url) for url in one.get("uri") or ()] if one["type"] == "searchResRef" else []
            if urls and not _is_own_zone(part := _part(urls[0])):
                self._parts.setdefault(part, urls[0])

    @property
    def unread(self) -> tuple[str, ...]:
        """The addresses of the parts that may hold what is stored."""
        return tuple(url for part, url in sorted(self._parts.items()) if not self._is_expected(part))

    def reports(self, sub_type: str) -> Iterator[Incomplete]:
        """The outcome of a type of which other servers may have more; a note where all of them are expected."""
        if unread := self.unread:
            text = (
                f"parts below '{self._base}' are on other servers, and what is there was not read: {_listed(unread)}; nothing is taken for "
                "deleted. Read from a server that holds them, or name those that are no part of this inventory in LDAP_EXPECTED_REFERENCES"
            )
            yield Incomplete(sub_type, Outcome.ERROR, text)
        elif self._parts:
            text = f"parts below '{self._base}' are on other servers, and no part of this inventory: {_listed(self._parts.values())}"
            yield Incomplete(sub_type, Outcome.COMPLETE, text)

    def _is_expected(self, part: str) -> bool:
        return bool(self._expected.intersection((part, *names.ancestors(part))))


def _part(url: str) -> str:
    """The DN in the address of a reference, in the normal form; empty where it has none that can be read."""
    try:
        return names.normal(unquote(urlsplit(url).path.removeprefix("/"), errors="strict"))
    except ValueError:  # also of a DN that is none
        return ""


def _is_own_zone(part: str) -> bool:
    first, _, rest = part.partition(",")
    return first in _OWN_ZONES and all(rdn.startswith("dc=") for rdn in rest.split(","))


def _listed(urls: Iterable[str]) -> str:
    first, *others = urls
    return f"{first[:200]} and {len(others)} more" if others else first[:200]
