"""Turns an item of a vendor's answer into a resource, as its kind declares."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from providers.catalogue import paths
from providers.catalogue.kinds import LinkRule, ResourceKind
from providers.catalogue.masking import Masked, Masking
from providers.errors import DataError
from providers.records import UNENCODABLE, UNREADABLE, Link, Resource

Item = Mapping[str, Any]
Context = Mapping[str, str]


_JSON = frozenset({str, int, float, bool, type(None)})
"""Types whose values are JSON already."""

_NAME_KEYS = ("Name", "name", "Key", "key", "HeaderName")
"""Keys that hold the name in a list of names and values."""


class Shape:
    """Makes resources of items. A provider overrides the methods whose answer differs at its vendor.

    `ignored` are fields that the job's config leaves out (`ignore_fields`), as paths like those of `ResourceKind.omit`.
    """

    def __init__(self, ignored: Iterable[str] = (), masking: Masking | None = None) -> None:
        self._ignored = tuple(ignored)
        self._masking = masking or Masking()

    def resource(
        self,
        kind: ResourceKind,
        item: Item,
        context: Context,
        *,
        organization: str = "",
        links: Iterable[Link] = (),
        links_partial: bool = False,
    ) -> Resource:
        """The resource of an item, which is not changed.

        `context` fills holes before the item does. `links` are those that the kind cannot declare. Raises `DataError` when the item lacks
        what its id is made of, or has something else than its source documents where a map or a list must be: the others go on.
        """
        try:
            return self._made(kind, item, context, organization, links, partial=links_partial)
        except (AttributeError, TypeError, LookupError) as error:
            raise DataError(f"it is not what its source documents: {str(error)[:200]}") from error

    def _made(
        self, kind: ResourceKind, item: Item, context: Context, organization: str, links: Iterable[Link], *, partial: bool
    ) -> Resource:
        external_id = self._external_id(kind, item, context)
        tags = self.tags(paths.first(item, kind.tags)) if kind.tags else {}
        return Resource(
            external_id=external_id,
            entity_type=kind.entity_type,
            sub_type=kind.sub_type,
            name=self.name(kind, item, tags, external_id),
            attributes=Masked(self._masking.masked(self.attributes(kind, item), kind.unmasked)),
            tags=Masked(self._masking.masked(dict(tags))),
            links=self.links(kind, item, context, links),
            organization=organization,
            parent=self.parent(kind, item, context),
            region=self.region(kind, item),
            links_partial=partial,
        )

    def storable(self, resource: Resource) -> Resource:
        """Any resource as `resource` makes them: without the fields that the job's config leaves out, and without secrets.

        What `resource` has made is returned as it is. Raises `DataError` when the attributes are nested too deep to be looked through.
        """
        attributes = self._storable(resource.attributes, self._ignored)
        tags = self._storable(resource.tags, ())
        if attributes is resource.attributes and tags is resource.tags:
            return resource
        return msgspec.structs.replace(resource, attributes=attributes, tags=tags)

    def _storable(self, found: dict[str, Any], ignored: Iterable[str]) -> dict[str, Any]:
        if not found or type(found) is Masked:
            return found
        try:
            encoded = msgspec.json.encode(found)
        except UNENCODABLE:
            return found  # it is not JSON, and no sink can store it: the sink says so, and why
        try:
            kept = msgspec.json.decode(encoded, type=dict[str, Any])
            for path in ignored:
                _leave_out(kept, path)
            return Masked(self._masking.masked(kept))
        except msgspec.DecodeError:
            return found  # no object: as above
        except RecursionError:
            raise DataError("its attributes are nested too deep to be looked through for secrets") from None

    # What differs between vendors

    def text(self, text: str) -> str:
        """The long form of a text that a kind declares for an id, a parent or a target."""
        return text

    def spelling(self, external_id: str) -> str:
        """The one spelling of an id that the vendor writes in several."""
        return external_id

    def target(self, rule: LinkRule, value: Any, item: Item, context: Context) -> str:
        """The external id that a link of `rule` points to; empty when there is none."""
        known = {**context, "value": str(value)}
        return self._id(rule.to, {**item, **value} if isinstance(value, Mapping) else item, known)

    def parent(self, kind: ResourceKind, item: Item, context: Context) -> str:
        """The external id of the resource that contains the item; empty when there is none."""
        return self._id(kind.parent, item, context)

    def tags(self, found: Any) -> dict[str, str]:
        """Tags of what the vendor has for them: a map of strings."""
        return {str(key): str(value) for key, value in sorted((found or {}).items())}

    def name(self, kind: ResourceKind, item: Item, tags: Mapping[str, str], external_id: str) -> str:  # noqa: ARG002 - for overrides
        """The display name: the first of the kind's names that has a value, else the end of the id."""
        found = next(filter(None, (paths.first(item, path) for path in kind.names)), None)
        return str(found or re.split("[:/]", external_id)[-1])

    def region(self, kind: ResourceKind, item: Item) -> str:  # noqa: ARG002 - for overrides
        """The region of the item; empty where it is that of the scope."""
        return ""

    def plain(self, value: Any) -> Any:
        """A copy of a value as JSON has it, without None."""
        if type(value) in _JSON:
            return value
        if isinstance(value, Mapping):
            kept = ((key, inner) for key, inner in value.items() if inner is not None)
            return {key: inner if type(inner) in _JSON else self.plain(inner) for key, inner in kept}
        return [self.plain(inner) for inner in value] if isinstance(value, list | tuple) else value

    # What is the same everywhere

    def _external_id(self, kind: ResourceKind, item: Item, context: Context) -> str:
        found = self._id(kind.id, item, context)
        if not found:
            raise DataError(f"a {kind.sub_type} without {' and '.join(paths.holes(kind.id))}")
        if not paths.is_text(found):
            raise DataError(f"a {kind.sub_type} whose id is not valid Unicode: {found[:100]!a}")
        return found

    def _id(self, text: str, item: Item, context: Context) -> str:
        found = paths.fill(self.text(text), item, context) if text else ""
        return self.spelling(found) if found else ""

    def links(self, kind: ResourceKind, item: Item, context: Context, more: Iterable[Link] = ()) -> tuple[Link, ...]:
        """The links that the kind declares and those in `more`, each once, sorted."""
        found = {link for rule in kind.links for link in self._links(rule, item, context)}
        return tuple(sorted(found.union(more), key=lambda link: (link.type, link.target)))

    def _links(self, rule: LinkRule, item: Item, context: Context) -> Iterator[Link]:
        path, wanted = rule.when
        if path and paths.first(item, path) != wanted:
            return
        found = ((value, rule.groups(value)) for value in paths.values(item, rule.path) if value)
        targets = (self.target(rule, value, item, {**context, **groups}) for value, groups in found if groups is not None)
        yield from (Link(rule.type, target) for target in targets if target)

    def attributes(self, kind: ResourceKind, item: Item) -> dict[str, Any]:
        """The item as JSON, without its tags and without what the kind or the config leaves out. Its secrets are masked afterwards."""
        left_out = {*kind.omit, kind.tags}
        found = item if kind.kept is None else paths.pick(item, (*kind.kept, UNREADABLE))
        some = ((key, value) for key, value in found.items() if key not in left_out and value is not None)
        kept = {key: value if type(value) in _JSON else self.plain(value) for key, value in some}
        for path in kind.names_only:
            _replace(kept, path, _names)
        for path in (*kind.omit, *filter(None, (kind.tags,)), *self._ignored):
            _leave_out(kept, path)
        for path in kind.unordered:
            _replace(kept, path, _sorted)
        return kept


def without_secrets(kind: ResourceKind | None, attributes: dict[str, Any], masking: Masking) -> dict[str, Any]:
    """Stored attributes, without the secrets that the kind and the masking keep out today. The attributes are changed."""
    for path in kind.names_only if kind else ():
        _replace(attributes, path, _names)
    return masking.masked(attributes, kind.unmasked if kind else ())


def _leave_out(attributes: dict[str, Any], path: str) -> None:
    for holder, key in paths.holders(attributes, path):
        del holder[key]


def _replace(attributes: dict[str, Any], path: str, change: Any) -> None:
    for holder, key in paths.holders(attributes, path):
        holder[key] = change(holder[key])


def _sorted(found: Any) -> Any:
    return sorted(found, key=_canonical) if isinstance(found, list) else found


def _names(found: Any) -> list[str]:
    """The keys of a map; of a list, the names of its items, which may be names already."""
    return sorted(found) if isinstance(found, dict) else sorted(str(_name_of(pair)) for pair in found or ())


def _name_of(pair: Mapping[str, Any] | str) -> Any:
    return pair if isinstance(pair, str) else next((pair[key] for key in _NAME_KEYS if key in pair), None)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
