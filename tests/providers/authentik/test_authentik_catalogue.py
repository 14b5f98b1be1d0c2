"""What is asked of Authentik exists in Authentik's own OpenAPI document."""

from __future__ import annotations

import difflib
from typing import ClassVar

import pytest
from catalogue_suite import CatalogueSuite, FieldType, OpenDescription, Unknown
from peers import vendor

from providers.authentik import catalogue
from providers.authentik.catalogue import KINDS, RESOURCE_TYPES, ROOT


def item_of(path: str) -> dict:
    document = vendor.authentik()
    schema = document.answer_schema("GET", ROOT + path)
    for name in ("next", "count"):
        document.field(schema, f"pagination.{name}")
    return document.field(schema, "results[]")


class AuthentikDescription(OpenDescription):
    """Authentik's OpenAPI document."""

    def listing_faults(self, kind):
        """The path and the parameters of the list."""
        document = vendor.authentik()
        if ROOT + kind.path not in document.templates:
            yield f"there is no path {kind.path}"
            return
        known = document.parameters("GET", ROOT + kind.path)
        yield from (f"{kind.path} has no parameter {name}" for name in (*kind.query, "page") if name not in known)
        for path in kind.needed:
            yield from _unknown(kind, f"{path}[]")

    def field(self, kind, path):
        """What the document says of an item's field; a field of older versions is one too."""
        if path in catalogue.BEFORE.get(kind.path, ()):
            return FieldType.VALUE
        if ROOT + kind.path not in vendor.authentik().templates:
            return FieldType.OPEN
        try:
            found = vendor.authentik().field(item_of(kind.path), path)
        except AssertionError as error:
            raise Unknown(str(error)) from None
        return FieldType.OBJECT if "properties" in found else FieldType.VALUE

    def knows_permission(self, permission):
        """True for ``authentik_core.view_user`` when the document has the model ``authentik_core.user``, and for the superuser."""
        return permission == catalogue.SUPERUSER or permission.replace(".view_", ".") in vendor.authentik().enumeration("ModelEnum")

    def similar_permissions(self, permission):
        """Those to view the models that are named nearly so."""
        models = sorted(vendor.authentik().enumeration("ModelEnum"))
        return [one.replace(".", ".view_") for one in difflib.get_close_matches(permission.replace(".view_", "."), models)]


def _unknown(kind, path):
    try:
        AuthentikDescription().field(kind, path)
    except Unknown as unknown:
        yield str(unknown)


class TestCatalogue(CatalogueSuite):
    """Every word of the catalogue."""

    kinds = KINDS
    description: ClassVar = AuthentikDescription()
    listing_words = ("path",)
    resource_types = RESOURCE_TYPES


def test_fields_of_older_versions_are_not_in_the_document():
    for path, names in catalogue.BEFORE.items():
        for name in names:
            assert name not in item_of(path)["properties"], f"{name} is there (again): it belongs to no older version"


def test_who_the_token_belongs_to():
    document = vendor.authentik()
    for path in catalogue.ME_FIELDS:
        document.field(document.answer_schema("GET", ROOT + catalogue.ME), path)


def test_the_permissions_of_a_role():
    document, item = vendor.authentik(), item_of(catalogue.PERMISSIONS)
    assert {*catalogue.PERMISSIONS_QUERY, "role", "page"} <= document.parameters("GET", ROOT + catalogue.PERMISSIONS)
    for path in catalogue.PERMISSIONS_FIELDS:
        document.field(item, path)


def test_a_field_that_does_not_exist_fails():
    with pytest.raises(AssertionError, match="there is no parent"):
        vendor.authentik().field(item_of("/core/groups/"), "parent")


def test_nothing_secret_or_private_is_kept():
    kept = {path for kind in KINDS for path in kind.kept or ()}
    assert not kept & {"attributes", "avatar", "last_login", "last_updated", "uid"}


def test_names_are_unique_and_every_permission_only_views():
    names = [kind.sub_type for kind in RESOURCE_TYPES]
    assert len(names) == len(set(names))
    assert all(".view_" in p or p == catalogue.SUPERUSER for kind in RESOURCE_TYPES for p in kind.permissions)
