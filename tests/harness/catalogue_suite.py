"""The test base of every provider's catalogue: what a kind declares is held against the vendor's own description.

A provider inherits `CatalogueSuite` and gives it its kinds and a `Description`, the small adapter to the vendor's description (service
models, discovery documents, OpenAPI, typed models). The suite checks every word of every kind, and then misspells each of them in turn:
a typo that no check names is a hole in the tests.
"""

from __future__ import annotations

import dataclasses
import difflib
import enum
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol

import msgspec

from providers.catalogue import paths
from providers.catalogue.kinds import LinkRule, ResourceKind

TYPO = "Tpyo"


class FieldType(enum.Enum):
    """What stands at a path, as far as a declaration must know."""

    VALUE = "a value"
    OBJECT = "an object"
    LIST = "a list"
    PAIRS = "a list of names and values"
    MAP = "a map"
    OPEN = "anything"
    """The vendor does not say."""


class Unknown(Exception):
    """The vendor's description has no such thing. The message names it, and what there is instead."""


class Description(Protocol):
    """The vendor's description, as the suite asks for it."""

    def listing_faults(self, kind: Any) -> Iterator[str]:
        """What is wrong with how the kind is listed: operation or path, path to the items, parameters, vendor type name."""

    def field(self, kind: Any, path: str) -> FieldType:
        """What an item of the kind has at a path; a key that the provider adds itself counts. Raises `Unknown`."""

    def permissions(self, kind: Any) -> Sequence[str]:
        """Every permission that reading the kind takes."""

    def knows_permission(self, permission: str) -> bool:
        """True for a permission that the vendor has."""

    def similar_permissions(self, permission: str) -> Sequence[str]:
        """The vendor's permissions that may be meant by one that it does not have."""


@dataclasses.dataclass
class OpenDescription:
    """Two answers that fit vendors whose permissions are listed nowhere: a provider's adapter may inherit it."""

    known_permissions: frozenset[str] = frozenset()

    def permissions(self, kind: Any) -> Sequence[str]:
        """The declared permission."""
        return (kind.permission,) if kind.permission else ()

    def knows_permission(self, permission: str) -> bool:
        """True for one of those that the test lists."""
        return permission in self.known_permissions

    def similar_permissions(self, permission: str) -> Sequence[str]:
        """Those of the test's list that look like it."""
        return difflib.get_close_matches(permission, sorted(self.known_permissions))


class CatalogueSuite:
    """A subclass sets the class variables; pytest collects the tests."""

    kinds: ClassVar[Sequence[Any]] = ()
    description: ClassVar[Any]
    context: ClassVar[frozenset[str]] = frozenset()
    """Holes that the source fills, whatever the item."""
    listing_words: ClassVar[tuple[str, ...]] = ()
    """The kind's own fields by which it is listed and that a typo must not pass through: ``operation``, ``items`` ..."""
    link_fields: ClassVar[frozenset[FieldType]] = frozenset()
    """What else than a value or an object a link may be made of."""
    resource_types: ClassVar[Sequence[Any]] = ()
    """What the provider tells users that it reads."""
    permissions_from: ClassVar[str] = "the vendor"
    """The list of permissions that the description knows: the file to complete, where it is kept by hand."""

    def test_every_word_of_every_kind_is_the_vendors(self) -> None:
        """Operations, paths, fields, links, permissions: each fault is told by kind and name."""
        assert self.kinds
        faults = [f"{kind.sub_type}: {fault}" for kind in self.kinds for fault in self.faults(kind)]
        assert not faults, "\n".join(faults)

    def test_a_typo_in_any_word_is_named(self) -> None:
        """Every declared word, misspelt, is told by its name."""
        passed = [
            f"{kind.sub_type}: {what}"
            for kind in self.kinds
            for what, misspelt in misspellings(kind, self.listing_words)
            if not any(TYPO in fault for fault in self.faults(misspelt))
        ]
        assert not passed, "\n".join(("no fault names the typo in", *passed))

    def test_a_permission_that_does_not_exist_is_named(self) -> None:
        """The list of permissions is one that can say no."""
        assert not self.description.knows_permission(f"made.up:{TYPO}")
        assert any(self.description.permissions(kind) for kind in self.kinds)

    def test_types_are_unique_and_told(self) -> None:
        """Every kind has a name of its own, and is among the types that the provider lists for its users."""
        names = [kind.sub_type for kind in self.kinds]
        assert len(names) == len(set(names))
        result = {(one.sub_type, one.entity_type) for one in self.resource_types}
        assert {(kind.sub_type, kind.entity_type) for kind in self.kinds} <= result

    def faults(self, kind: ResourceKind) -> list[str]:
        """Everything that is wrong with a kind."""
        return [
            *self.description.listing_faults(kind),
            *self._text_faults(kind),
            *self._field_faults(kind),
            *self._permission_faults(kind),
        ]

    def _permission_faults(self, kind: ResourceKind) -> Iterator[str]:
        for name in self.description.permissions(kind):
            if not self.description.knows_permission(name):
                similar = ", ".join(self.description.similar_permissions(name))
                meant = f", but {similar}: declare the one that is needed as `permission`" if similar else ""
                yield f"{name}: {self.permissions_from} has no such permission{meant}"

    def _text_faults(self, kind: ResourceKind) -> Iterator[str]:
        """Of the holes of the id, the parent and the targets."""
        for text in filter(None, (kind.id, kind.parent)):
            for hole in paths.holes(text):
                if hole not in self.context:
                    yield from self._fault(kind, hole, {FieldType.VALUE})
        for rule in kind.links:
            yield from self._link_faults(kind, rule)

    def _link_faults(self, kind: ResourceKind, rule: LinkRule) -> Iterator[str]:
        yield from self._fault(kind, rule.path, {FieldType.VALUE, FieldType.OBJECT, *self.link_fields})
        if rule.when[0]:
            yield from self._fault(kind, rule.when[0], {FieldType.VALUE})
        known = {"value", *re.compile(rule.match).groupindex, *self.context}
        for hole in paths.holes(rule.to):
            if hole not in known and list(self._fault(kind, f"{rule.path}.{hole}", {FieldType.VALUE})):
                yield from self._fault(kind, hole, {FieldType.VALUE})

    def _field_faults(self, kind: ResourceKind) -> Iterator[str]:
        for path in (*kind.names, *(kind.kept or ()), *kind.omit, *kind.unmasked, *filter(None, (kind.tags,))):
            yield from self._fault(kind, path.removesuffix("[]"), set(FieldType))
        for path in kind.unordered:
            yield from self._fault(kind, path, {FieldType.LIST, FieldType.PAIRS})
        for path in kind.names_only:
            yield from self._fault(kind, path, {FieldType.MAP, FieldType.PAIRS})

    def _fault(self, kind: ResourceKind, path: str, wanted: set[FieldType]) -> Iterator[str]:
        try:
            found = self.description.field(kind, path)
        except Unknown as unknown:
            yield f"{path}: {unknown}"
            return
        if found not in wanted | {FieldType.OPEN}:
            yield f"{path}: {found.value} where {' or '.join(sorted(one.value for one in wanted))} is needed"


def misspellings(kind: ResourceKind, listing_words: tuple[str, ...]) -> Iterator[tuple[str, ResourceKind]]:
    """The kind with one word wrong, for each of its words, and which word that is."""
    for name in (*listing_words, "id", "parent", "tags", "permission"):
        if value := getattr(kind, name):
            yield f"{name}={value}", msgspec.structs.replace(kind, **{name: _misspelt(value)})
    for name in ("names", "kept", "omit", "names_only", "unordered", "unmasked"):
        declared = tuple(getattr(kind, name) or ())
        for index, path in enumerate(declared):
            wrong = (*declared[:index], _misspelt(path), *declared[index + 1 :])
            yield f"{name}: {path}", msgspec.structs.replace(kind, **{name.replace("names", "name") if name == "names" else name: wrong})
    for index, rule in enumerate(kind.links):
        for change in _rule_misspellings(rule):
            links = (*kind.links[:index], msgspec.structs.replace(rule, **change), *kind.links[index + 1 :])
            yield f"link {rule.type}: {change}", msgspec.structs.replace(kind, links=links)


def _rule_misspellings(rule: LinkRule) -> Iterator[Mapping[str, Any]]:
    yield {"path": _misspelt(rule.path)}
    if rule.when[0]:
        yield {"when": (_misspelt(rule.when[0]), rule.when[1])}
    if paths.holes(rule.to):
        yield {"to": _misspelt(rule.to)}


def _misspelt(text: str) -> str:
    """A text with its first hole misspelt, or a path with its last key misspelt."""
    holes = paths.holes(text)
    if holes:
        return text.replace("{" + holes[0], "{" + holes[0] + TYPO, 1)
    return text.removesuffix("[]") + TYPO + ("[]" if text.endswith("[]") else "")
