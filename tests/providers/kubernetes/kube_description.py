"""The API server's own description (OpenAPI), as the suite for catalogues asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

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
        if kind.group not in self._served:
            yield f"group={kind.group}: no such group"
        elif (kind.plural, kind.kind) not in self._served[kind.group]:
            yield f"{kind.plural} of kind {kind.kind}: no such type in group '{kind.group}'"
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
        if f"list {name}" not in self._known:
            yield f"{text}: the server has no type {name}"
        elif len(rest) not in (1, 2):
            yield f"{text}: a target is @type/name or @type/namespace/name"

    def field(self, kind: KubernetesKind, path: str) -> FieldType:
        """What an object has at a path, in one of the versions of its kind."""
        found: list[FieldType] = []
        for definition in self._of(kind):
            found += self._at(definition, path)
        if not found:
            raise Unknown(f"a {kind.kind} has no such field")
        return found[0]

    def knows_permission(self, permission: str) -> bool:
        """True for the right to list a type that the server has."""
        return permission in self._known

    def _of(self, kind: KubernetesKind) -> Iterator[dict[str, Any]]:
        for definition in self._definitions.values():
            for one in definition.get("x-kubernetes-group-version-kind", ()):
                if (one["group"], one["kind"]) == (kind.group, kind.kind):
                    yield definition

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
        reference = definition.get("$ref")
        return self._definitions[reference.rpartition("/")[2]] if reference else definition


def _type(definition: Mapping[str, Any]) -> FieldType:
    if definition.get("type") == "array":
        return FieldType.LIST
    if "additionalProperties" in definition:
        return FieldType.MAP
    return FieldType.OBJECT if "properties" in definition else FieldType.VALUE
