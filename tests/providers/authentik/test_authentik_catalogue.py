"""What is asked of Authentik exists in Authentik's own OpenAPI document."""

from __future__ import annotations

import pytest
from peers import vendor

from providers.authentik import catalogue
from providers.authentik.catalogue import KINDS, RESOURCE_TYPES, ROOT


def item_of(path: str) -> dict:
    document = vendor.authentik()
    schema = document.answer_schema("GET", ROOT + path)
    for name in ("next", "count"):
        document.field(schema, f"pagination.{name}")
    return document.field(schema, "results[]")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.sub_type)
def test_every_path_parameter_and_field_is_in_authentiks_document(kind):
    document, item = vendor.authentik(), item_of(kind.path)
    assert {*kind.query, "page"} <= document.parameters("GET", ROOT + kind.path)
    before = catalogue.BEFORE.get(kind.path, ())
    for path in {kind.number, *kind.name, *kind.kept, *(rule.path for rule in kind.links)} - {*before}:
        document.field(item, path)
    for path in before:
        assert path not in item["properties"], f"{path} is there (again): it belongs to no older version"
    for name in kind.needed:
        document.field(item, f"{name}[]")


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
    kept = {path for kind in KINDS for path in kind.kept}
    assert not kept & {"attributes", "avatar", "last_login", "last_updated", "uid"}


def test_names_are_unique_and_every_permission_only_views():
    names = [kind.sub_type for kind in RESOURCE_TYPES]
    assert len(names) == len(set(names))
    assert all(".view_" in p or p == catalogue.SUPERUSER for kind in RESOURCE_TYPES for p in kind.permissions)
