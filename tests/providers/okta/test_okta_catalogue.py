"""What is asked of Okta exists in Okta's own description of its API; what is newer than that, in Okta's own SDK."""

from __future__ import annotations

import inspect

import pytest
from okta.api.role_assignment_a_user_api import RoleAssignmentAUserApi
from okta.models import CustomRole, GroupType, RoleAssignedUser, RoleAssignedUsers, UserStatus
from peers import vendor

from providers.okta import catalogue
from providers.okta.catalogue import ADMINISTRATORS, LISTINGS, PRIVILEGED_GROUPS, RESOURCE_TYPES

NEWER = (ADMINISTRATORS,)
NEWER_FIELDS = {"resource-set", "role"}
"""Of custom roles, which 2.15 does not know."""
DESCRIBED = [listing for listing in LISTINGS if listing not in NEWER]


def template(path: str) -> str:
    return path.replace("/users/me", "/users/{userId}")


@pytest.mark.parametrize("listing", DESCRIBED, ids=lambda listing: f"{listing.path}?{'&'.join(listing.query)}")
def test_every_path_parameter_and_field_is_in_oktas_document(listing):
    document = vendor.okta()
    assert set(listing.query) <= document.parameters("GET", template(listing.path))
    schema = document.answer_schema("GET", template(listing.path))
    item = schema if listing is catalogue.ME else document.items(schema)
    for path in {*listing.kept, *listing.read} - NEWER_FIELDS:
        document.field(item, path)


@pytest.mark.parametrize("listing", NEWER, ids=lambda listing: listing.path)
def test_what_is_newer_than_the_document_is_in_oktas_sdk(listing):
    source = inspect.getsource(RoleAssignmentAUserApi._list_users_with_role_assignments_serialize)
    assert f'resource_path="{listing.path}"' in source
    for name in listing.query:
        assert f'_query_params.append(("{name}", ' in source
    aliases = {field.alias or name for name, field in RoleAssignedUsers.model_fields.items()}
    assert {path.partition(".")[0] for path in listing.read} <= aliases
    assert "id" in RoleAssignedUser.model_fields


def test_the_fields_of_custom_roles_are_in_oktas_sdk():
    assert {field.alias or name for name, field in CustomRole.model_fields.items()} >= NEWER_FIELDS


def test_the_flag_of_privileged_groups_is_where_oktas_document_leaves_room_for_it():
    """`_embedded` is an open object there; its content is described in Okta's reference of the groups API only."""
    document = vendor.okta()
    embedded = document.field(document.items(document.answer_schema("GET", PRIVILEGED_GROUPS.path)), "_embedded")
    assert embedded["additionalProperties"] == {"type": "object"}


def test_a_field_that_does_not_exist_fails():
    document = vendor.okta()
    item = document.items(document.answer_schema("GET", "/api/v1/users"))
    with pytest.raises(AssertionError, match="there is no fullName"):
        document.field(item, "profile.fullName")
    with pytest.raises(AssertionError, match="list or not"):
        document.field(item, "status[]")


def test_nothing_secret_or_private_is_kept():
    private = ("password", "recovery", "Phone", "Address", "secondEmail", "hash", "answer", "lastLogin")
    kept = [path for listing in LISTINGS for path in listing.kept]
    assert not [path for path in kept if any(word in path for word in private) and path != "passwordChanged"]


def test_the_statuses_and_types_that_the_code_tells_apart_exist():
    assert UserStatus.DEPROVISIONED == "DEPROVISIONED"
    assert 'status eq "DEPROVISIONED"' in catalogue.DEPROVISIONED.query["filter"]
    assert {kind.value for kind in GroupType} == {"OKTA_GROUP", "APP_GROUP", "BUILT_IN"}


def test_names_are_unique_and_every_permission_only_reads():
    names = [kind.sub_type for kind in RESOURCE_TYPES]
    assert len(names) == len(set(names))
    assert all(".read" in permission for kind in RESOURCE_TYPES for permission in kind.permissions)
