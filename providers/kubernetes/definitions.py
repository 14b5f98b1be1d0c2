"""The types that a cluster has and does not announce: by the definitions of custom types, or by its own word once it is ready."""

from __future__ import annotations

import msgspec

from providers.concurrency import Once
from providers.errors import Denied, Unsupported
from providers.kubernetes import catalogue
from providers.kubernetes.client import Client
from providers.kubernetes.discovery import Discovery, discover
from providers.kubernetes.listing import Lists

DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"
LISTING = f"list {DEFINITIONS}"
READY = "/readyz"
"""Answers 200 once the server knows all definitions and announces their types. Every account may read it (`system:public-info-viewer`)."""

_UNTOLD = (
    f"the cluster does not announce this type any more, and neither its definitions nor {READY} may be read: whether it is deleted is not "
    f"known; allow '{LISTING}'"
)


class _Names(msgspec.Struct):
    kind: str


class _Spec(msgspec.Struct):
    group: str
    names: _Names


class _Definition(msgspec.Struct):
    spec: _Spec


_DEFINITION = msgspec.json.Decoder(_Definition)


def _defined(lists: Lists, found: Discovery) -> frozenset[str] | None:
    """The resource types that the cluster has definitions of; None where we may not list them. Raises `ProviderError`."""
    definitions = next((one for one in found.types if one.name == DEFINITIONS), None)
    if definitions is None:
        return frozenset()
    try:
        specs = [_DEFINITION.decode(listed.raw).spec for listed in lists.objects(definitions)]
    except Denied:
        return None
    return frozenset(catalogue.sub_type(spec.names.kind, spec.group) for spec in specs)


class KnownTypes:
    """The types that a cluster has, as far as that can be known of those that it does not announce.

    A server that has just started announces types before it knows all definitions. The definitions tell; who may not list them is told by
    the server's readiness, which everybody may ask for, and by what it announces once it is ready.
    """

    def __init__(self, client: Client, lists: Lists, found: Discovery) -> None:
        self._client, self._lists, self._found = client, lists, found
        self._known: Once[frozenset[str]] = Once()

    def has(self, sub_type: str) -> bool:
        """True for a type that the cluster has, though it does not serve it now. Raises `ProviderError` when that is not known."""
        return sub_type in self._known.get(self._read)

    def _read(self) -> frozenset[str]:
        defined = _defined(self._lists, self._found)
        return self._announced_when_ready() if defined is None else defined

    def _announced_when_ready(self) -> frozenset[str]:
        try:
            self._client.get(READY, what=f"read {READY}")
        except (Denied, Unsupported) as error:
            raise Denied(_UNTOLD, permission=LISTING, detail=str(error)) from None
        again = discover(self._client)
        for failure in again.failures.values():
            raise failure
        return frozenset(catalogue.sub_type(one.kind, one.group) for one in again.types)
