"""The API that a server announces: groups, their versions, and the types in them that can be listed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec

from providers.errors import BadAnswer, ProviderError
from providers.kubernetes.api_type import ApiType
from providers.kubernetes.catalogue import REPEATED_GROUPS
from providers.kubernetes.client import Client
from providers.kubernetes.refusal import failed_success

WITHOUT_IDENTITY = frozenset({"componentstatuses"})
"""Types whose objects have no uid, as they are answers and no objects."""

VIEWS = frozenset({"project.openshift.io", "authorization.openshift.io"})
"""Groups known to show objects of other groups under the same uid. Others are recognized by what the server says (see `Type.stored`)."""


StructT = TypeVar("StructT", bound=msgspec.Struct)
T = TypeVar("T")


class Discovery(msgspec.Struct):
    """Every listable type, and the groups of which the server did not answer."""

    types: list[ApiType] = []
    failures: dict[str, ProviderError] = {}
    empty: list[str] = []
    """Groups that are announced and name no type, as an aggregated API does that has just started: what it had is not known to be gone."""

    def suggestion(self, name: str) -> str | None:
        """The type that a misspelt name may mean; an empty string when no type is like it. None when the name is right, or may be."""
        if any(one.is_named((name,)) for one in self.types) or self.failures:
            return None
        known = {one.name for one in self.types} if "." in name else {one.plural for one in self.types}
        return next(iter(difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.8 if "." in name else 0.6)), "")


class _Resource(msgspec.Struct):
    name: str
    kind: str
    namespaced: bool = False
    verbs: list[str] | None = None
    hash: str = msgspec.field(default="", name="storageVersionHash")


class _Resources(msgspec.Struct):
    resources: list[_Resource] | None


class _Version(msgspec.Struct):
    version: str = msgspec.field(name="groupVersion")


class _Group(msgspec.Struct):
    name: str
    versions: list[_Version] = []
    preferred: _Version | None = msgspec.field(default=None, name="preferredVersion")


class _Groups(msgspec.Struct):
    groups: list[_Group]


class _Versions(msgspec.Struct):
    versions: list[str]


def discover(client: Client) -> Discovery:
    """Every type once, in the version that its group prefers, else in another. Raises `ProviderError` when not even the groups are told."""
    found = Discovery()
    types: dict[tuple[str, str], ApiType] = {}
    for group, bases in _groups(client):
        found.empty += () if bases else (group,)
        for base in bases:
            try:
                resources = _decoded(client, base, _Resources).resources or ()
            except ProviderError as error:
                found.failures[group] = error
                continue
            found.empty += () if resources else (group,)
            for one in _types(group, base, resources):
                types.setdefault((group, one.plural), one)
    found.types = _with_views(list(types.values()))
    return found


def _groups(client: Client) -> Iterator[tuple[str, list[str]]]:
    """Each group with the paths of its versions, the preferred one first."""
    yield "", [f"/api/{version}" for version in _some(_decoded(client, "/api", _Versions).versions, "/api")]
    for group in _some(_decoded(client, "/apis", _Groups).groups, "/apis"):
        if group.name not in REPEATED_GROUPS:
            versions = [one.version for one in group.versions]
            preferred = group.preferred.version if group.preferred else ""
            yield group.name, [f"/apis/{version}" for version in sorted(versions, key=lambda version: version != preferred)]


def _some(announced: list[T], path: str) -> list[T]:
    """The announced entries. Raises `BadAnswer` for nothing at all: every server has something, and what is not announced is gone."""
    if not announced:
        raise BadAnswer(f"the API server announces nothing at {path}: is it only just starting, or is something else in between?")
    return announced


def _types(group: str, base: str, resources: Iterable[_Resource]) -> Iterator[ApiType]:
    for one in resources:
        if "/" not in one.name and "list" in (one.verbs or ()) and not (group == "" and one.name in WITHOUT_IDENTITY):
            yield ApiType(base, group, one.name, one.kind, one.namespaced, bool(one.hash) and group not in VIEWS)


def _with_views(types: list[ApiType]) -> list[ApiType]:
    """The types; where the server gives no hashes at all (before 1.15, or switched off), only known views are taken for views."""
    if any(one.stored for one in types if one.group == ""):
        return types
    return [msgspec.structs.replace(one, stored=one.group not in VIEWS) for one in types]


def _decoded(client: Client, path: str, kind: type[StructT]) -> StructT:
    what = f"read {path}"
    answer = client.get(path, what=what)
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except msgspec.DecodeError:
        raise failed_success(answer, what) or BadAnswer(
            f"the answer to '{what}' is not that of a Kubernetes API server: check `server`"
        ) from None
