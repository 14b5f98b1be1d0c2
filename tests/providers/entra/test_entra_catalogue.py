"""The catalogue against Microsoft's own description: the types that it publishes, and its reference of paths and permissions."""

from __future__ import annotations

from typing import ClassVar

import msgspec
import pytest
from catalogue_suite import CatalogueSuite, FieldType, OpenDescription, Unknown
from peers import graph_types
from peers.graph import PATHS, PERMISSIONS

from providers import registry
from providers.entra import catalogue
from providers.entra.catalogue import KINDS, MEMBERS, OWNERS

OURS = {"status": FieldType.VALUE, "credentials[].type": FieldType.VALUE}
"""What the shape adds to an item."""


class EntraDescription(OpenDescription):
    """Microsoft's types for TypeScript."""

    def listing_faults(self, kind):
        """The paths, the page sizes, the selected fields and the type."""
        for listing in (kind.listing, *kind.others):
            if listing.path not in PATHS:
                yield f"there is no path {listing.path} in PATHS of tests/peers/graph.py: add it as Microsoft's reference has it"
                continue
            schema, _, largest = PATHS[listing.path]
            if listing.largest > largest:
                yield f"{listing.path} gives {largest} items at most"
            yield from (f"{schema} has no {field}" for field in listing.fields if field not in graph_types.properties(schema))
        if kind.listing.path in PATHS and kind.schema != PATHS[kind.listing.path][0]:
            yield f"{kind.listing.path} lists no {kind.schema}"

    def field(self, kind, path):
        """What an item has at a path, as far as it is selected."""
        head, _, rest = path.partition(".")
        name = head.removesuffix("[]")
        if path in OURS:
            return OURS[path]
        try:
            known = graph_types.properties(kind.schema)
        except KeyError:
            raise Unknown(f"there is no {kind.schema}") from None
        if name not in known or name not in ("id", *kind.listing.fields):
            raise Unknown(f"{kind.schema} has no {name} among the selected fields")
        if known[name].endswith("[]") and not head.endswith("[]"):
            return FieldType.LIST
        if rest and not graph_types.is_object(known[name].removesuffix("[]")):
            raise Unknown(f"{name} has no {rest}")
        return FieldType.OPEN if rest else FieldType.OBJECT if graph_types.is_object(known[name].removesuffix("[]")) else FieldType.VALUE


class TestCatalogue(CatalogueSuite):
    """Every word of the catalogue."""

    kinds = KINDS
    description: ClassVar = EntraDescription(PERMISSIONS)
    listing_words = ("schema",)
    resource_types = registry.get("entra").resource_types()
    permissions_from = "PATHS of tests/peers/graph.py"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.sub_type)
def test_a_misspelt_path_or_field_is_named(kind):
    wrong = msgspec.structs.replace(kind, listing=msgspec.structs.replace(kind.listing, path=kind.listing.path + "x"))
    assert any(kind.listing.path + "x" in fault for fault in TestCatalogue().faults(wrong))
    for field in kind.listing.fields:
        fields = tuple(one + "Tpyo" if one == field else one for one in kind.listing.fields)
        wrong = msgspec.structs.replace(kind, listing=msgspec.structs.replace(kind.listing, fields=fields))
        faults = TestCatalogue().faults(wrong)
        assert any(f"{field}Tpyo" in fault for fault in faults), faults


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.sub_type)
def test_the_declared_permission_is_one_that_reads_each_of_its_lists(kind):
    for listing in (kind.listing, *kind.others):
        allowed = PATHS.get(listing.path, ("", set(), 0))[1]
        assert kind.permission in allowed, f"{listing.path} takes {' or '.join(sorted(allowed))}, by PATHS of tests/peers/graph.py"


def test_nothing_that_changes_with_each_sign_in_and_no_phone_number_is_asked_for():
    asked = {field for kind in KINDS for listing in (kind.listing, MEMBERS, OWNERS) for field in listing.fields}
    assert not {field for field in asked if "signin" in field.lower() and field != "signInAudience"}
    assert not asked & {
        "mobilePhone",
        "businessPhones",
        "faxNumber",
        "streetAddress",
        "otherMails",
        "identities",
        "approximateLastSignInDateTime",
    }
    assert catalogue.USERS.listing.url().startswith("/v1.0/users?$select=id,displayName,")
