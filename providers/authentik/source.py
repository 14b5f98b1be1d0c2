"""Reads an Authentik installation: four lists, each with the links of what is in it.

Two things make its lists lie by omission, and each is checked. Objects that the token may not view are left out: a list is believed only
when the token has the permission on all objects of that kind. And pages are counted from the start, so that an object that is deleted
while they are read moves the rest up, and one of them is never seen: a list whose count changed is read again.
"""

from __future__ import annotations

import functools
from collections.abc import Generator, Iterator
from typing import Any

from providers.authentik.catalogue import KINDS, SUPERUSER, Kind
from providers.authentik.client import Client
from providers.authentik.config import AuthentikConfig
from providers.catalogue.paths import first, pick, values
from providers.errors import BadAnswer, Denied, Outcome, Unsupported
from providers.provider import Item, Read, Source
from providers.records import Identity, Incomplete, Link, Organization, Resource, Scope

PASSES = 3
"""How often a list is read that changes meanwhile."""


class AuthentikSource(Source):
    """One installation."""

    concurrency = len(KINDS)

    def __init__(self, config: AuthentikConfig) -> None:
        self._client = Client(config)
        self._me: dict[str, Any] = {}

    def check(self) -> Identity:
        """Asks who the token belongs to."""
        self._me = self._client.me()
        name = str(self._me.get("username") or "unknown")
        return Identity(name, self._client.domain, {"superuser": "yes" if self._me.get("is_superuser") else "no"})

    def plan(self) -> Iterator[Read]:
        """Every kind; with what is in the way of believing it."""
        doubt = functools.partial(_doubt, self._permissions())
        for kind in KINDS:
            scope = Scope("authentik", self._client.domain, "", kind.sub_type)
            yield Read((scope,), functools.partial(self._read, kind, doubt(kind)))

    def close(self) -> None:
        """Closes the connections."""
        self._client.http.close()

    def _permissions(self) -> frozenset[str]:
        """What the token may see all of. Older versions do not tell a token's roles: to them, only a superuser's token can be believed."""
        if self._me.get("is_superuser"):
            return frozenset({SUPERUSER, *(kind.permission for kind in KINDS)})
        try:
            return frozenset(name for role in values(self._me, "roles[].pk") for name in self._client.permissions(str(role)))
        except (Denied, Unsupported):
            return frozenset()

    def _read(self, kind: Kind, doubt: Incomplete | None) -> Iterator[Item]:
        yield Organization(self._client.domain, f"Authentik: {self._client.domain}")
        seen = set[str]()
        for _ in range(PASSES):
            steady = yield from self._pass(kind, seen)
            if steady:
                break
        else:
            yield Incomplete(
                kind.sub_type, Outcome.ERROR, f"'{kind.what}' changed each time while it was read, so that some may be missing"
            )
        if doubt:
            yield doubt

    def _pass(self, kind: Kind, seen: set[str]) -> Generator[Item, None, bool]:
        """What was not seen before; returns whether the list stayed the same while it was read."""
        counts, got = set[int](), 0
        for page in self._client.pages(kind.path, kind.query, what=kind.what, permission=kind.permission):
            counts.add(page.answer)
            got += len(page.items)
            for item in page.items:
                made = self._resource(kind, item)
                if made.external_id not in seen:
                    seen.add(made.external_id)
                    yield made
        return counts == {got}

    def _resource(self, kind: Kind, item: dict[str, Any]) -> Resource:
        number = first(item, kind.number)
        missing = [name for name in (kind.number, *kind.needed) if item.get(name) is None]
        if missing:
            raise BadAnswer(f"Authentik answered '{kind.what}' with an item without {missing[0]}: this version of it cannot be read")
        found = {Link(rule.type, str(target)) for rule in kind.links for target in values(item, rule.path)}
        links = tuple(sorted(found, key=lambda link: (link.type, link.target)))
        name = next((str(item[key]) for key in kind.name if item.get(key)), str(number))
        return Resource(str(number), kind.entity_type, kind.sub_type, name, pick(item, kind.kept), {}, links, self._client.domain)


def _doubt(permissions: frozenset[str], kind: Kind) -> Incomplete | None:
    if kind.permission in permissions:
        return None
    if kind.permission == SUPERUSER:
        message = f"Authentik shows all applications to superusers only ({SUPERUSER}): those that the token's user may open were read"
    else:
        message = f"only what the token may view one by one was read: give its user a role with the permission {kind.permission}"
    return Incomplete(kind.sub_type, Outcome.DENIED, message, kind.permission)
