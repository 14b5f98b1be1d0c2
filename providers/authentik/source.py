"""Reads an Authentik installation: four lists, each with the links of what is in it.

Objects that the token may not view are left out of a list silently: a list is believed only when the token has the permission on all
objects of that kind.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from providers.authentik.catalogue import KINDS, SUPERUSER, AuthentikKind
from providers.authentik.client import Client
from providers.authentik.config import AuthentikConfig
from providers.catalogue.masking import Masking
from providers.catalogue.paths import first, holes, values
from providers.catalogue.shape import Shape
from providers.errors import DataError, Denied, Outcome, Unsupported
from providers.http.credential import Credential
from providers.provider import Item, Read, Source
from providers.records import Identity, Incomplete, Organization, Rejected, Resource, Scope


class AuthentikSource(Source):
    """One installation of Authentik."""

    concurrency = len(KINDS)

    def __init__(self, config: AuthentikConfig) -> None:
        self._client = Client(config)
        self._shape = Shape(config.ignore_fields, Masking(config.mask_names))
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

    @property
    def credential(self) -> Credential:
        """The verdict over the API token."""
        return self._client.http.credential

    def close(self) -> None:
        """Closes all open connections."""
        self._client.http.close()

    def _permissions(self) -> frozenset[str]:
        """The permissions on all objects of a kind that the token has.

        Older versions do not tell a token's roles: of them, only a superuser's token can be believed.
        """
        if self._me.get("is_superuser"):
            return frozenset({SUPERUSER, *(kind.permission for kind in KINDS)})
        try:
            return frozenset(name for role in values(self._me, "roles[].pk") for name in self._client.permissions(str(role)))
        except (Denied, Unsupported):
            return frozenset()

    def _read(self, kind: AuthentikKind, doubt: Incomplete | None) -> Iterator[Item]:
        yield Organization(self._client.domain, f"Authentik: {self._client.domain}")
        missing = ""
        [number] = holes(kind.id)
        for item in self._client.items(kind.path, kind.query, number, what=kind.what, permission=kind.permission):
            lacking = next((name for name in kind.needed if first(item, name) is None), "")
            missing = missing or lacking
            yield self._made(kind, item, partial=bool(lacking))
        if missing:
            yield Incomplete(kind.sub_type, Outcome.ERROR, f"Authentik answered '{kind.what}' with items without {missing}: {_KEPT}")
        if doubt:
            yield doubt

    def _made(self, kind: AuthentikKind, item: Any, *, partial: bool) -> Resource | Rejected:
        """The resource of an item, or the reason why the item cannot be stored."""
        try:
            return self._shape.resource(kind, item, {}, organization=self._client.domain, links_partial=partial)
        except DataError as error:
            names = (first(item, path) for path in kind.names)
            return Rejected(kind.sub_type, next((str(one) for one in names if one), "an item without a name"), str(error))


_KEPT = "this version of it cannot be read in full, and the links that are stored stay"


def _doubt(permissions: frozenset[str], kind: AuthentikKind) -> Incomplete | None:
    if kind.permission in permissions:
        return None
    if kind.permission == SUPERUSER:
        message = f"Authentik shows all applications to superusers only ({SUPERUSER}): those that the token's user may open were read"
    else:
        message = f"only what the token may view one by one was read: give its user a role with the permission {kind.permission}"
    return Incomplete(kind.sub_type, Outcome.DENIED, message, kind.permission)
