"""The definitions of custom types that a cluster stores, whether it serves those types at the moment or not."""

from __future__ import annotations

import msgspec

from providers.errors import Denied
from providers.kubernetes import catalogue
from providers.kubernetes.discovery import Discovery
from providers.kubernetes.listing import Lists

DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"


class _Names(msgspec.Struct):
    kind: str


class _Spec(msgspec.Struct):
    group: str
    names: _Names


class _Definition(msgspec.Struct):
    spec: _Spec


_DEFINITION = msgspec.json.Decoder(_Definition)


def defined_types(lists: Lists, found: Discovery) -> frozenset[str]:
    """The resource types that the cluster has definitions of; none where we may not list them. Raises `ProviderError`."""
    definitions = next((one for one in found.types if one.name == DEFINITIONS), None)
    if definitions is None:
        return frozenset()
    try:
        specs = [_DEFINITION.decode(listed.raw).spec for listed in lists.objects(definitions)]
    except Denied:
        return frozenset()
    return frozenset(catalogue.sub_type(spec.names.kind, spec.group) for spec in specs)
