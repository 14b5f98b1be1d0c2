"""What is asked of Okta exists in Okta's own description of its API; what is newer than that, in Okta's own SDK."""

from __future__ import annotations

import inspect
from typing import ClassVar

import pytest
from catalogue_suite import CatalogueSuite, FieldType, OpenDescription, Unknown
from okta.api.role_assignment_a_user_api import RoleAssignmentAUserApi
from okta.models import CustomRole, GroupType, RoleAssignedUser, RoleAssignedUsers, UserStatus
from peers import vendor

from providers.okta import catalogue
from providers.okta.catalogue import ADMINISTRATORS, KINDS, LISTINGS, PRIVILEGED_GROUPS, RESOURCE_TYPES

NEWER = (ADMINISTRATORS,)
NEWER_FIELDS = {"resource-set", "role"}
"""Of custom roles, which 2.15 does not know."""
DESCRIBED = [listing for listing in LISTINGS if listing not in NEWER]
PERMISSIONS = frozenset({
    "okta.users.read", "okta.groups.read", "okta.apps.read", "okta.roles.read", "okta.networkZones.read", "okta.trustedOrigins.read",
    "okta.idps.read", "okta.authorizationServers.read", "okta.eventHooks.read", "okta.inlineHooks.read", "okta.policies.read",
    "okta.authenticators.read", "okta.devices.read", "okta.domains.read", "okta.brands.read", "okta.userTypes.read",
})  # fmt: skip
"""OAuth 2.0 scopes of Okta's reference."""


def template(path: str) -> str:
    return path.replace("/users/me", "/users/{userId}")


class OktaDescription(OpenDescription):
    """Okta's OpenAPI document."""

    def listing_faults(self, kind):
        """The path and the parameters of the list."""
        document = vendor.okta()
        try:
            known = document.parameters("GET", kind.path)
        except AssertionError as error:
            yield str(error)
            return
        if kind.path not in document.templates:
            yield f"there is no path {kind.path}"
        yield from (f"{kind.path} has no parameter {name}" for name in kind.query if name not in known)
        yield from (str(unknown) for path in kind.read for unknown in self._unknown(kind, path))

    def field(self, kind, path):
        """What the document says of an item's field."""
        if path in NEWER_FIELDS and kind.sub_type in (catalogue.ADMIN_ROLE.sub_type, catalogue.ROLE_ASSIGNMENT.sub_type):
            return FieldType.VALUE
        item = _item_of(kind)
        if item is None:
            return FieldType.OPEN
        try:
            found = vendor.okta().field(item, path)
        except AssertionError as error:
            if "list or not" in str(error) and not path.endswith("[]"):
                return FieldType.LIST
            raise Unknown(str(error)) from None
        return FieldType.OBJECT if found.get("type") == "object" or "properties" in found else FieldType.VALUE

    def _unknown(self, kind, path):
        try:
            self.field(kind, path)
        except Unknown as unknown:
            yield unknown


def _item_of(kind):
    """The schema of an item of the kind's list; None where the path gives no list."""
    schema = vendor.okta().answer_schema("GET", kind.path)
    return vendor.okta().items(schema) if schema and schema.get("type") == "array" else None


class TestCatalogue(CatalogueSuite):
    """Every word of the catalogue."""

    kinds = KINDS
    description: ClassVar = OktaDescription(PERMISSIONS)
    context = frozenset({"principal", "standard"})
    listing_words = ("path",)
    resource_types = RESOURCE_TYPES
    permissions_from = "PERMISSIONS above, from Okta's reference,"


@pytest.mark.parametrize("listing", DESCRIBED, ids=lambda listing: f"{listing.path}?{'&'.join(listing.query)}")
def test_every_path_parameter_and_field_of_the_other_lists_is_in_oktas_document(listing):
    document = vendor.okta()
    assert set(listing.query) <= document.parameters("GET", template(listing.path))
    schema = document.answer_schema("GET", template(listing.path))
    item = schema if listing in catalogue.SINGLE else document.items(schema)
    for path in {*listing.read} - NEWER_FIELDS:
        document.field(item, path)


@pytest.mark.parametrize("listing", NEWER, ids=lambda listing: listing.path)
def test_what_is_newer_than_the_document_is_in_oktas_sdk(listing):
    source = inspect.getsource(RoleAssignmentAUserApi._list_users_with_role_assignments_serialize)
    assert f'resource_path="{listing.path}"' in source
    for name in listing.query:
        assert f'_query_params.append(("{name}", ' in source
    aliases = {field.alias or name for name, field in RoleAssignedUsers.model_fields.items()}
    assert {path.partition(".")[0] for path in listing.read} <= aliases
    assert listing.items in aliases
    assert "id" in RoleAssignedUser.model_fields


def test_the_fields_of_custom_roles_are_in_oktas_sdk():
    assert {field.alias or name for name, field in CustomRole.model_fields.items()} >= NEWER_FIELDS


def test_the_flag_of_privileged_groups_is_where_oktas_document_leaves_room_for_it():
    """`_embedded` is an open object there; its content is described in Okta's reference of the groups API only."""
    document = vendor.okta()
    embedded = document.field(document.items(document.answer_schema("GET", PRIVILEGED_GROUPS.path)), "_embedded")
    assert embedded["additionalProperties"] == {"type": "object"}


def test_a_list_that_takes_a_size_is_sent_one():
    """Okta gives the address of a next page only when there is one; a size that is not sent is the smallest."""
    for kind in KINDS:
        takes = "limit" in vendor.okta().parameters("GET", kind.path)
        assert takes == ("limit" in kind.query), kind.sub_type


def test_nothing_secret_private_or_volatile_is_kept():
    private = (
        "password",
        "recovery",
        "Phone",
        "Address",
        "secondEmail",
        "hash",
        "answer",
        "lastLogin",
        "lastUpdated",
        "settings",
        "protocol",
    )
    kept = [path for kind in KINDS for path in kind.kept or ()]
    assert not [path for path in kept if any(word in path for word in private) and path != "passwordChanged"]


def test_the_statuses_and_types_that_the_code_tells_apart_exist():
    assert UserStatus.DEPROVISIONED == "DEPROVISIONED"
    assert 'status eq "DEPROVISIONED"' in catalogue.DEPROVISIONED.query["filter"]
    assert {kind.value for kind in GroupType} == {"OKTA_GROUP", "APP_GROUP", "BUILT_IN"}


def test_every_permission_only_reads():
    assert all(".read" in permission for kind in RESOURCE_TYPES for permission in kind.permissions)
