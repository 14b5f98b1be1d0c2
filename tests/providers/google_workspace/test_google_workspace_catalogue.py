"""The catalogue against Google's own description of the Directory API: methods, paths, parameters, fields, OAuth scopes."""

from __future__ import annotations

import urllib.parse

import pytest
from peers import google_documents as documents

from providers.google_workspace.catalogue import KINDS

API = "admin.directory_v1"
LISTINGS = [(kind, listing) for kind in KINDS for listing in (kind.listing, *kind.others)]
NAMES = {"customer": "my_customer", "group": "g/1"}


def ids(pair):
    kind, listing = pair
    return f"{kind.sub_type}-{listing.method}"


@pytest.fixture(params=LISTINGS, ids=ids)
def pair(request):
    return request.param


def test_the_method_has_that_path(pair):
    _, listing = pair
    url = urllib.parse.urlsplit(listing.url(**NAMES))
    method = documents.methods(API)[listing.method]

    assert method.verb == "GET"
    assert method.path.fullmatch(url.path), (url.path, method.template)


def test_the_method_has_these_parameters(pair):
    _, listing = pair
    method = documents.methods(API)[listing.method]
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(listing.url(**NAMES)).query)

    assert not [found for name, values in query.items() if (found := documents.parameter_fault(name, method.query[name], values))]
    assert listing.paged == method.pages
    assert (method.size_parameter in query) == method.pages, "as few pages as the API allows"


def test_the_answer_has_these_fields(pair):
    kind, listing = pair
    method = documents.methods(API)[listing.method]
    mask = documents.field_mask(urllib.parse.parse_qs(urllib.parse.urlsplit(listing.url(**NAMES)).query)["fields"][0])

    assert not documents.mask_fault(API, documents.schema(API, method.response), mask)
    assert mask.keys() - {"nextPageToken"} == {method.items[0]}
    assert listing is not kind.listing or {kind.name, *kind.unordered} <= mask[listing.items].keys()


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


def test_one_scope_is_enough_and_reads_only(pair):
    kind, listing = pair

    assert kind.scope in documents.methods(API)[listing.method].scopes
    assert kind.scope.endswith(".readonly")
    assert kind.scope in documents.document(API)["auth"]["oauth2"]["scopes"]
