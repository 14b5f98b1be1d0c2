"""Google's discovery documents as the catalogue's tests ask for them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from functools import cache

from catalogue_suite import FieldType, Unknown
from peers import google_documents as documents
from peers import google_permissions
from peers.google_contract import APIS

from providers.catalogue.paths import ANYWHERE, holes, steps
from providers.gcp import catalogue
from providers.gcp.declaration import GcpKind

CONTEXT = frozenset({"project", "resource", "owner", "parent"})
IN_ADDRESSES = frozenset({"project", "resource", "attached"})
MADE_BY_US = {
    **dict.fromkeys(("suffix", "label", "role"), FieldType.VALUE),
    "condition": FieldType.OBJECT,
    "members": FieldType.LIST,
    "members[]": FieldType.VALUE,
}
"""Fields that our code makes of a policy's bindings and of the entries of a dataset's access list."""
_MAXIMUM = re.compile(
    r"(?:maximum (?:is|value is|page size is)|cannot exceed|largest allowed page_size is|or|between \d+ and)\s+([\d,]+)(?: items)?",
    re.IGNORECASE,
)


@cache
def documented(method: str, host: str = "", path: str = "") -> documents.Method:
    """A method by its id; where two versions of an API have it, the one with this path. Raises `Unknown`."""
    candidates = [documents.methods(api)[method] for api in APIS if method in documents.methods(api)]
    if not candidates:
        raise Unknown(f"there is no method {method}")
    fitting = [found for found in candidates if not path or (found.service == host and found.path.fullmatch(path))]
    if not fitting:
        raise Unknown(f"{method} is at {' or '.join(found.service + found.template for found in candidates)}, not at {host}{path}")
    return fitting[0]


def method_of(kind: GcpKind, method: str = "") -> documents.Method:
    """The method that lists a kind, or one of its further ones."""
    host, _, path = kind.address.partition("/")
    if not kind.address or (method and method != kind.method):
        return documented(method or kind.method)
    full = _filled(kind, path)
    try:
        return documented(kind.method, host, "/" + full)
    except Unknown:  # a parent that is named by its last part
        return documented(kind.method, host, "/" + _without_holes(kind, path))


def _filled(kind: GcpKind, path: str) -> str:
    """The path of an address with something in each of its holes; in that of the parent's name, a name as the parent's items have it."""
    if "{parent.name}" in path:
        parent = _under(kind)
        above = _filled(parent, parent.address.partition("/")[2])
        path = path.replace("{parent.name}", f"{above.partition('/')[2]}/x")
    return _without_holes(kind, path)


def _without_holes(kind: GcpKind, path: str) -> str:
    collection = "organizations" if ".organizations." in kind.method else "projects"
    return re.sub(r"{[\w.]+}", "x", path.replace("{resource}", f"{collection}/x"))


def item_schema(kind: GcpKind) -> tuple[str, dict]:
    """The API and the schema of what is listed. Raises `Unknown`."""
    if kind.is_inline:
        api, schema = item_schema(_under(kind))
        return api, resolved(api, walk(api, schema, kind.items))
    return listed_schema(kind, kind.method, kind.items)


def listed_schema(kind: GcpKind, method: str, items: str) -> tuple[str, dict]:
    found = method_of(kind, method)
    answer = documents.schema(found.api, found.response)
    if found.id.endswith(".aggregatedList"):
        answer = documents.schema(found.api, answer["properties"]["items"]["additionalProperties"]["$ref"])
    return found.api, resolved(found.api, walk(found.api, answer, items))


def _under(kind: GcpKind) -> GcpKind:
    known = {one.sub_type: one for one in (catalogue.BINDING, catalogue.BILLING_ACCOUNT, *catalogue.ALL)}
    if kind.under not in known:
        raise Unknown(f"there is no type {kind.under}")
    return known[kind.under]


def resolved(api: str, schema: dict) -> dict:
    while "$ref" in schema:
        schema = documents.schema(api, schema["$ref"])
    return schema


def walk(api: str, schema: dict, path: str) -> dict:
    """The schema at a path. Raises `Unknown` for a step that does not exist, and for a list that is not walked or no list."""
    for name, is_list in steps(path):
        schema = resolved(api, schema)
        if schema.get("type") == "any":
            return schema
        if "additionalProperties" in schema and name not in schema.get("properties", {}):
            schema = schema["additionalProperties"]
            continue
        if name not in schema.get("properties", {}):
            raise Unknown(f"there is no {name}, but {', '.join(sorted(schema.get('properties', {})))}")
        schema = schema["properties"][name]
        if is_list:
            if schema.get("type") != "array":
                raise Unknown(f"{name} is not a list")
            schema = schema["items"]
    return schema


def type_of(api: str, schema: dict) -> FieldType:
    if schema.get("type") == "array":
        keys = resolved(api, schema["items"]).get("properties", {})
        return FieldType.PAIRS if {"key", "value"} <= set(keys) or {"name", "value"} <= set(keys) else FieldType.LIST
    schema = resolved(api, schema)
    if schema.get("type") == "any":
        return FieldType.OPEN
    if "additionalProperties" in schema:
        return FieldType.MAP
    return FieldType.OBJECT if schema.get("type") == "object" else FieldType.VALUE


class GcpDescription:
    """The discovery documents."""

    def listing_faults(self, kind: GcpKind) -> Iterator[str]:
        """What is wrong with method, address, path of the items, parameters, sizes and further methods."""
        try:
            yield from self._listing_faults(kind)
        except Unknown as unknown:
            yield str(unknown)

    def _listing_faults(self, kind: GcpKind) -> Iterator[str]:
        yield from self._address_faults(kind)
        api, item = item_schema(kind)
        if item.get("type") != "object":
            yield f"{kind.items} are no objects"
        if kind.is_inline:
            yield from () if kind.size_parameter == "pageSize" else (f"no {kind.size_parameter} is asked for",)
            yield from () if kind.method == _under(kind).method else (f"{kind.method} is not the method of {kind.under}",)
            return
        for other in kind.also:
            listed = documented(other)
            if listed.response != documents.schema(api, listed.response).get("id") and (api, item) != listed_schema(kind, other, "items[]"):
                yield f"{other} lists something else"
        yield from self._parameter_faults(kind)

    def _address_faults(self, kind: GcpKind) -> Iterator[str]:
        if not kind.address:
            yield from () if kind.api in ("compute", "storage") or kind.is_inline else (f"{kind.method} needs an address",)
        for hole in holes(kind.address):
            if hole.startswith("parent."):
                self.field(_under(kind), hole.removeprefix("parent."))
            elif hole not in IN_ADDRESSES:
                raise Unknown(f"there is no {hole} for an address")

    def _parameter_faults(self, kind: GcpKind) -> Iterator[str]:
        method = method_of(kind)
        for name, value in kind.parameters.items():
            if name not in method.query:
                yield f"there is no parameter {name}"
            elif fault := documents.parameter_fault(name, method.query[name], [value]):
                yield fault
        wanted = method.size_parameter if kind.address else "pageSize"
        if kind.size_parameter != wanted:
            yield f"the size is {wanted or 'not asked for'}, not {kind.size_parameter}"
        if (limit := documented_maximum(method)) and kind.size_parameter and kind.largest != limit:
            yield f"{kind.method} gives {limit} items at most, not {kind.largest}"

    def field(self, kind: GcpKind, path: str) -> FieldType:
        """What stands at a path of an item."""
        if kind.policy and path in MADE_BY_US:
            return MADE_BY_US[path]
        api, schema = item_schema(kind)
        if path.startswith(ANYWHERE):
            return FieldType.OPEN
        return type_of(api, walk(api, schema, path))

    def permissions(self, kind: GcpKind) -> Sequence[str]:
        """The IAM permission of every call."""
        return kind.permissions

    def knows_permission(self, permission: str) -> bool:
        """True for a permission on the list that is kept by hand."""
        return permission in google_permissions.known()

    def similar_permissions(self, permission: str) -> Sequence[str]:
        """Those of the list that are named nearly so."""
        return difflib.get_close_matches(permission, sorted(google_permissions.known()))


def documented_maximum(method: documents.Method) -> int:
    """The largest page that the description of the parameter allows; 0 when it does not say."""
    text = method.own.get(method.size_parameter, {}).get("description", "")
    found = [int(number.replace(",", "")) for number in _MAXIMUM.findall(text) if number.replace(",", "")]
    return max(found, default=0)
