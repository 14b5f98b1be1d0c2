"""Resource types of every provider: id, name, links, and the fields that are stored.

Ids, parents and link targets are texts with holes, and fields are named by paths (see `providers.catalogue.paths`). A provider's own kind
is a subclass that adds how the type is listed, and nothing else::

    class WeatherKind(ResourceKind, frozen=True):
        path: str

    WeatherKind("weather_station", "device", "{id}", "/v1/stations", name="title", links=(LinkRule("in_region", "region.id"),))
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

_ALL: Mapping[str, str] = {}


class LinkRule(msgspec.Struct, frozen=True):
    """A link of `type` for each value at `path`.

    `to` is the text that makes the target's id of the value. Its hole ``{value}`` is the value; other holes are filled from the value
    where that is an object, else from the item. `when` is a path and the value that an item must have there for the rule to apply.
    `match` is a regular expression for the start of a value: one that does not match makes no link, and its named groups are holes.
    """

    type: str
    path: str
    to: str = "{value}"
    when: tuple[str, str] = ("", "")
    match: str = ""

    def groups(self, value: object) -> Mapping[str, str] | None:
        """The named groups of `match` in a value; None for a value that does not match."""
        if not self.match:
            return _ALL
        found = re.match(self.match, str(value))
        return found and found.groupdict("")


class _Fields(msgspec.Struct, frozen=True, kw_only=True):
    """The keywords of any type."""

    name: str | tuple[str, ...] = ()
    """Paths of the name: the first that has a value wins. Without one, the provider's rule names the resource."""
    tags: str = ""
    """Path of the tags or labels. They are stored as tags and not as attributes."""
    links: tuple[LinkRule, ...] = ()
    parent: str = ""
    """Text of the id of the resource that contains this one."""
    kept: tuple[str, ...] | None = None
    """The only fields that are stored, none of which may be inside a list. None: all of them, but for `omit`."""
    omit: tuple[str, ...] = ()
    """Fields that are not stored, as they change without meaning or concern nobody."""
    names_only: tuple[str, ...] = ()
    """Maps of which the keys are stored, and lists of name and value of which the names are stored: the values may be secrets."""
    unordered: tuple[str, ...] = ()
    """Lists without an order of their own, which are stored sorted."""
    unmasked: tuple[str, ...] = ()
    """Fields whose names look like those of secrets (see `providers.catalogue.masking`) and whose values are none."""
    permission: str = ""
    """The permission that lists the type, where the provider cannot derive it from the call."""


class ResourceKind(_Fields, frozen=True):
    """A resource type. `sub_type` is its name, `entity_type` its category, and `id` the text of the vendor's own id."""

    sub_type: str
    entity_type: str
    id: str

    @property
    def names(self) -> tuple[str, ...]:
        """The paths of the name, in their order."""
        return tuple(filter(None, (self.name,) if isinstance(self.name, str) else self.name))
