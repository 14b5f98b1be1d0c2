"""The API server's own description (OpenAPI), as the suite for catalogues asks for it.

What is newer than the server of the tests is looked up in Kubernetes' own Python client.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import kube_models
from catalogue_suite import FieldType, OpenDescription, Unknown

from providers.catalogue import paths
from providers.kubernetes.catalogue import HOST, MACHINE, REFERENCE, SELECTED, SELECTING, VOLUME, KubernetesKind


class KubeDescription(OpenDescription):
    """What the server serves: its definitions, and the types that it lists."""

    def __init__(self, kube: Any) -> None:
        document = kube.call("GET", "/openapi/v2")
        self._definitions: dict[str, dict[str, Any]] = document["definitions"]
        self._served = {
            one["group"]: set() for one in ({"group": ""}, *({"group": g["name"]} for g in kube.call("GET", "/apis")["groups"]))
        }
        self._kinds: dict[tuple[str, str, str], list[str]] = {}
        for group, base in self._bases(kube):
            for one in kube.call("GET", base)["resources"]:
                if "/" not in one["name"]:
                    self._served[group].add((one["name"], one["kind"]))
        self._known = {f"list {plural}" + (f".{group}" if group else "") for group, types in self._served.items() for plural, _ in types}

    @staticmethod
    def _bases(kube: Any) -> Iterator[tuple[str, str]]:
        yield "", "/api/v1"
        for group in kube.call("GET", "/apis")["groups"]:
            for version in group["versions"]:
                yield group["name"], f"/apis/{version['groupVersion']}"

    def listing_faults(self, kind: KubernetesKind) -> Iterator[str]:
        """Group, plural and kind must be a type that the server lists; so must the types of the objects that are looked up by name."""
        wanted, known = (kind.plural, kind.kind), self._served.get(kind.group, set())
        if wanted not in known and wanted not in (known := known | kube_models.types(kind.group).keys()):
            there_are = f"no such type in group '{kind.group}', but {_shown(known)}" if known else "no such group"
            yield f"{kind.plural} of kind {kind.kind} in group={kind.group}: {there_are}"
        for text in (kind.parent, *(rule.to for rule in kind.links)):
            if text.startswith("@"):
                yield from self._target_faults(text)
            elif text.startswith(SELECTING) and f"list {text.split(':')[1]}" not in self._known:
                yield f"{text}: the server has no type {text.split(':')[1]}"
            elif text.startswith(SELECTED) and f"list {text.removeprefix(SELECTED)}" not in self._known:
                yield f"{text}: the server has no type {text.removeprefix(SELECTED)}"
            elif text.startswith(f"{REFERENCE}:") and not self._has_kind(*text.partition(":")[2].split(".", 1)):
                yield f"{text}: the server has no such kind"
            elif text.startswith("&") and text.partition(":")[0] not in {REFERENCE, SELECTED[:-1], SELECTING[:-1], HOST, MACHINE, VOLUME}:
                yield f"{text}: there is no such target"

    def _has_kind(self, kind: str, group: str = "") -> bool:
        return kind in {one for _, one in self._served.get(group, ())}

    def _target_faults(self, text: str) -> Iterator[str]:
        name, *rest = text.removeprefix("@").split("/")
        if not self.knows_permission(f"list {name}"):
            yield f"{text}: there is no type {name}"
        elif len(rest) not in (1, 2):
            yield f"{text}: a target is @type/name or @type/namespace/name"

    def field(self, kind: KubernetesKind, path: str) -> FieldType:
        """What an object has at a path, in one of the versions of its kind."""
        definitions = list(self._of(kind))
        found = next(itertools.chain.from_iterable(self._at(definition, path) for definition in definitions), None)
        if found is None and definitions:
            raise Unknown(f"a {kind.kind} has no such field")
        return found or FieldType.OPEN  # of a type that there is not, which is a fault of its own

    def knows_permission(self, permission: str) -> bool:
        """True for the right to list a type that there is."""
        plural, _, group = permission.removeprefix("list ").partition(".")
        return permission in self._known or plural in {plural for plural, _ in kube_models.types(group)}

    def similar_permissions(self, permission: str) -> Sequence[str]:
        """The rights to list types that are named nearly so."""
        return difflib.get_close_matches(permission, sorted(self._known))

    def _of(self, kind: KubernetesKind) -> Iterator[dict[str, Any]]:
        """The definitions of a kind's versions; those of the client for a kind that the server has not."""
        meant = {"group": kind.group, "kind": kind.kind}
        served = [
            definition
            for definition in self._definitions.values()
            if any(meant.items() <= one.items() for one in definition.get("x-kubernetes-group-version-kind", ()))
        ]
        yield from served or map(kube_models.definition, kube_models.types(kind.group).get((kind.plural, kind.kind), ()))

    def _at(self, definition: Mapping[str, Any], path: str) -> Iterator[FieldType]:
        for key, is_list in paths.steps(path):
            definition = self._resolved(definition)
            below = definition.get("properties", {}).get(key)
            if below is None:
                below = definition.get("additionalProperties")
            if below is None:
                return
            definition = self._resolved(below)
            if is_list:
                if definition.get("type") != "array":
                    return
                definition = definition["items"]
        yield _type(self._resolved(definition))

    def _resolved(self, definition: Mapping[str, Any]) -> Mapping[str, Any]:
        name = definition.get("$ref", "").rpartition("/")[2]
        return (self._definitions.get(name) or kube_models.definition(name)) if name else definition


def _shown(types: set[tuple[str, str]]) -> str:
    return ", ".join(f"{plural} ({kind})" for plural, kind in sorted(types))


def _type(definition: Mapping[str, Any]) -> FieldType:
    if definition.get("type") == "array":
        return FieldType.LIST
    if "additionalProperties" in definition:
        return FieldType.MAP
    return FieldType.OBJECT if "properties" in definition else FieldType.VALUE
