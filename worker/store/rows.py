"""Turns a resource's JSON into a line of COPY. Attributes are passed on unparsed: PostgreSQL parses JSON itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from providers.records import Link
from worker.run.fingerprints import Entry
from worker.store import copy_format
from worker.store.errors import BadData

MAX_INDEXED = 2000
"""Most bytes of an external id; an index row has room for little more."""

MAX_DEPTH = 500
"""Most levels of nested attributes; deeper ones could be stored, but not shown."""

COLUMNS = "organization_id, external_id, entity_type, sub_type, name, region, attributes, tags, key, content"


class _Resource(msgspec.Struct, array_like=True):
    """A `providers.records.Resource` whose attributes and tags stay encoded."""

    external_id: str
    entity_type: str
    sub_type: str
    name: str
    attributes: msgspec.Raw = msgspec.Raw(b"{}")
    tags: msgspec.Raw = msgspec.Raw(b"{}")
    links: tuple[Link, ...] = ()
    organization: str = ""
    parent: str = ""
    region: str = ""
    links_partial: bool = False


_decode = msgspec.json.Decoder(_Resource).decode
_STRINGS, _BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"'), re.compile(rb"[\[\]{}]")

PARENT = "parent"
"""Dependency type that stands for `parent` until the parent's row exists."""


class Row(NamedTuple):
    """A line of COPY over `COLUMNS`, and the resource's links."""

    key: int
    external_id: str
    line: bytes
    links: tuple[Link, ...]
    links_partial: bool


def row(entry: Entry, organization: Callable[[str], int], region: str) -> Row:
    """Builds the row of an entry. Raises `BadData` when it is not a resource or cannot be indexed."""
    try:
        found = _decode(entry.raw)
        columns = (found.external_id, found.entity_type, found.sub_type, found.name, found.region or region)
        together = "".join(columns)
        if not together.isprintable() or "\\" in together:
            columns = tuple(map(copy_format.text, columns))  # type: ignore[assignment]
        text = "\t".join(columns)
        encoded = text.encode()
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise BadData(f"not a resource: {error}") from None
    attributes = bytes(found.attributes)
    if _deeper(attributes, MAX_DEPTH):
        raise BadData(f"its attributes are nested more than {MAX_DEPTH} levels deep")
    if not 0 < len(found.external_id.encode()) <= MAX_INDEXED:
        raise BadData(f"its external id has {len(found.external_id)} characters, which is none or too many")
    line = b"%d\t%b\t%b\t%b\t%d\t%d" % (
        organization(found.organization),
        encoded,
        copy_format.json(attributes),
        copy_format.json(bytes(found.tags)),
        entry.key,
        entry.content,
    )
    links = (*found.links, Link(PARENT, found.parent)) if found.parent else found.links
    return Row(entry.key, found.external_id, line, links, found.links_partial)


def _deeper(data: bytes, levels: int) -> bool:
    if len(data) <= 2 * levels or data.count(b"{") + data.count(b"[") <= levels:
        return False  # true for nearly all resources
    depth = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub(b"", data)):
        depth += 1 if bracket in b"{[" else -1
        if depth > levels:
            return True
    return False
