"""The catalogue against Google's own description of the Directory API: methods, paths, parameters, fields, OAuth scopes."""

from __future__ import annotations

import contextlib
import difflib
import re
import urllib.parse
from collections.abc import Iterator, Sequence
from typing import ClassVar

import msgspec
import pytest
from catalogue_suite import CatalogueSuite, FieldType, Unknown
from peers import google_documents as documents

from providers import registry
from providers.catalogue.paths import steps
from providers.google_workspace.catalogue import KINDS, DirectoryKind, Listing

API = "admin.directory_v1"
LISTINGS = [(kind, listing) for kind in KINDS for listing in (kind.listing, *kind.others)]
NAMES = {"customer": "my_customer", "group": "g/1"}
MADE_BY_US = {"google_user": {"status"}}


def method_of(listing: Listing) -> documents.Method:
    found = documents.methods(API).get(listing.method)
    if found is None:
        raise Unknown(f"there is no method {listing.method}")
    return found


class DirectoryDescription:
    """The discovery document of the Directory API."""

    def listing_faults(self, kind: DirectoryKind) -> Iterator[str]:
        """What is wrong with the method, path, parameters, size and fields of the kind's lists."""
        for listing in (kind.listing, *kind.others):
            try:
                yield from _faults(listing)
            except Unknown as unknown:
                yield str(unknown)
        if kind.scope not in documents.document(API)["auth"]["oauth2"]["scopes"]:
            yield f"there is no scope {kind.scope}"

    def field(self, kind: DirectoryKind, path: str) -> FieldType:
        """What stands at a path of what is asked for."""
        if path in MADE_BY_US.get(kind.sub_type, ()):
            return FieldType.VALUE
        (head, _), *_rest = steps(path)
        asked = {field.partition("(")[0] for field in (kind.listing.key, *kind.listing.fields)}
        if head not in asked:
            raise Unknown(f"{head} is not asked for, but {', '.join(sorted(asked))}")
        return _type_at(documents.schema(API, method_of(kind.listing).response), f"{kind.listing.items}[].{path}")

    def permissions(self, kind: DirectoryKind) -> Sequence[str]:
        """The OAuth scope, and what else may be declared."""
        return tuple(filter(None, (kind.scope, kind.permission)))

    def knows_permission(self, permission: str) -> bool:
        """True for an OAuth scope of the API."""
        return permission in documents.document(API)["auth"]["oauth2"]["scopes"]

    def similar_permissions(self, permission: str) -> Sequence[str]:
        """The scopes that are named nearly so."""
        return difflib.get_close_matches(permission, sorted(documents.document(API)["auth"]["oauth2"]["scopes"]))


def _faults(listing: Listing) -> Iterator[str]:
    method = method_of(listing)
    url = urllib.parse.urlsplit(listing.url(size=listing.largest, **NAMES))
    query = urllib.parse.parse_qs(url.query)
    if method.verb != "GET" or not method.path.fullmatch(url.path):
        yield f"{url.path} is not {method.template}"
    for name, values in query.items():
        if name not in method.query:
            yield f"there is no parameter {name}"
        elif fault := documents.parameter_fault(name, method.query[name], values):
            yield fault
    mask = documents.field_mask(query["fields"][0])
    if fault := documents.mask_fault(API, documents.schema(API, method.response), mask):
        yield f"there is no field {fault}"
    elif mask.keys() - {"nextPageToken"} != {method.items[0]}:
        yield f"{listing.method} lists {method.items[0]}, not {listing.items}"
    if listing.largest != documented_maximum(method):
        yield f"{listing.method} gives {documented_maximum(method)} items at most, not {listing.largest}"


def documented_maximum(method: documents.Method) -> int:
    """The largest page, by the parameter's bound or its description; 0 for a list without pages."""
    own = method.own.get("maxResults", {})
    said = re.search(r"[Mm]ax(?:imum)? (?:allowed value )?is (\d+)|between 1 and (\d+)|should not exceed (\d+)", own.get("description", ""))
    found = next(filter(None, said.groups()), "0") if said else "0"
    return int(found) or int(own.get("maximum", "0"))


def _type_at(schema: dict, path: str) -> FieldType:
    for name, is_list in steps(path):
        schema = _resolved(schema)
        if schema.get("type") == "any":
            return FieldType.OPEN
        if name not in schema.get("properties", {}):
            raise Unknown(f"there is no {name}, but {', '.join(sorted(schema.get('properties', {})))}")
        schema = schema["properties"][name]
        if is_list:
            if schema.get("type") != "array":
                raise Unknown(f"{name} is not a list")
            schema = schema["items"]
    schema = _resolved(schema)
    kinds = {"array": FieldType.LIST, "object": FieldType.OBJECT, "any": FieldType.OPEN}
    return kinds.get(schema.get("type", ""), FieldType.VALUE)


def _resolved(schema: dict) -> dict:
    while "$ref" in schema:
        schema = documents.schema(API, schema["$ref"])
    return schema


class TestCatalogue(CatalogueSuite):
    """Every word of the catalogue."""

    kinds = KINDS
    description: ClassVar = DirectoryDescription()
    context = frozenset({"home"})
    listing_words = ("scope",)
    resource_types = registry.get("google_workspace").resource_types()


@pytest.mark.parametrize("pair", LISTINGS, ids=lambda pair: f"{pair[0].sub_type}-{pair[1].method}")
@pytest.mark.parametrize("word", ["method", "path", "items", "key"])
def test_a_typo_in_a_list_is_named(pair, word):
    listing = pair[1]
    wrong = msgspec.structs.replace(listing, **{word: getattr(listing, word) + "Tpyo"})
    with pytest.raises(Unknown, match="Tpyo") if word == "method" else contextlib.nullcontext():
        assert any("Tpyo" in fault for fault in _faults(wrong))


@pytest.mark.parametrize("pair", LISTINGS, ids=lambda pair: f"{pair[0].sub_type}-{pair[1].method}")
def test_nothing_is_asked_for_that_changes_by_itself_or_is_nobodys_business(pair):
    _, listing = pair
    asked = {field.partition("(")[0] for field in (listing.key, *listing.fields)}

    assert not asked & {
        "etag",
        "lastLoginTime",
        "thumbnailPhotoUrl",
        "thumbnailPhotoEtag",
        "directMembersCount",
        "password",
        "hashFunction",
    }
    assert not asked & {"recoveryEmail", "recoveryPhone", "phones", "addresses", "sshPublicKeys", "relations", "gender", "ims", "notes"}


@pytest.mark.parametrize("pair", LISTINGS, ids=lambda pair: f"{pair[0].sub_type}-{pair[1].method}")
def test_one_scope_is_enough_and_reads_only(pair):
    kind, listing = pair

    assert kind.scope in documents.methods(API)[listing.method].scopes
    assert kind.scope.endswith(".readonly")
