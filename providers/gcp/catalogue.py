"""The resource types of Google Cloud, as declarations. A test checks every one of them against Google's discovery documents."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

from providers.gcp.declaration import LIST_ASSETS, GcpKind
from providers.gcp.types import balancing, compute, data, databases, identity, network, operations, policies, serverless, storage
from providers.provider import ResourceType

ALL: tuple[GcpKind, ...] = (
    *compute.KINDS,
    *network.KINDS,
    *balancing.KINDS,
    *storage.KINDS,
    *databases.KINDS,
    *data.KINDS,
    *serverless.KINDS,
    *operations.KINDS,
    *identity.KINDS,
    *policies.KINDS,
)
"""Every declared list, those too that are read for what is under them."""

KINDS = tuple(kind for kind in ALL if not kind.hidden)
"""The types of which resources are made."""

SERVICE_KIND = next(kind for kind in KINDS if kind.sub_type == "gcp_service")
"""The enabled services: read first, as they say which other lists there are."""

ALWAYS_THERE = frozenset({"storage.googleapis.com", "iam.googleapis.com", "cloudresourcemanager.googleapis.com", SERVICE_KIND.service})
"""APIs that answer for a project in which they are not enabled: the project of the credentials counts."""

ORGANIZATION, FOLDER = identity.ORGANIZATION, identity.FOLDER
"""Kinds above projects, read by `hierarchy` where a job names an organization or folders."""

BILLING_ACCOUNT = identity.BILLING_ACCOUNT
"""The billing accounts, which belong to the organization."""

PROJECT, BINDING = identity.PROJECT, policies.BINDING
"""The project itself, which is read in its own way (`projects`), and the bindings of its IAM policy."""

ABOVE = (
    *(BINDING, BILLING_ACCOUNT),
    *(kind for kind in KINDS if kind.above and not kind.under),
    *(kind for kind in ALL if kind.hidden and kind.above),
)
"""The types that are listed of folders and organizations too."""


class NamedType(NamedTuple):
    """A type of which Google has no list: what the policies name is all that is known of it."""

    name: str
    entity_type: str


USER, GROUP = NamedType("gcp_user", "user"), NamedType("gcp_group", "group")

ROLE_TITLE, ROLE_ID = "Elder Worker inventory", "elderInventory"
"""The custom role; the setup page gives it this id."""

ABOVE_PROJECTS = ("resourcemanager.folders.", "resourcemanager.organizations.", "billing.accounts.")
"""Beginnings of permissions that Google takes in a role of an organization only: it refuses a project's role that has one."""


@functools.cache
def kind(sub_type: str) -> GcpKind:
    """The declaration of a type."""
    return next(one for one in (BINDING, BILLING_ACCOUNT, *ALL) if one.sub_type == sub_type)


@functools.cache
def children(sub_type: str) -> tuple[GcpKind, ...]:
    """The types that are listed under the items of a type."""
    return tuple(one for one in ALL if one.under == sub_type)


@functools.cache
def family(sub_type: str) -> tuple[GcpKind, ...]:
    """A type and all that are under it: they are read together, so that no list is read twice."""
    return (kind(sub_type), *(one for child in children(sub_type) for one in family(child.sub_type)))


@functools.cache
def fed(sub_type: str) -> tuple[GcpKind, ...]:
    """The types by which Cloud Asset Inventory gives a type with all that is under it; empty where only its list does.

    Locations that are listed for what is in them are left out: an asset is listed wherever it is.
    """
    one = kind(sub_type)
    if one.assets:
        return (one,)
    found = children(sub_type) if one.hidden else ()
    return found if all(child.assets for child in found) else ()


@functools.cache
def has_lists_below(sub_type: str) -> bool:
    """True where what Cloud Asset Inventory gives of a type has lists under its items."""
    return any(one.under and not one.is_inline for top in fed(sub_type) for one in family(top.sub_type)[1:])


def naming(sub_type: str) -> tuple[str, ...]:
    """The types of a family that name users and groups."""
    return tuple(one.sub_type for one in family(sub_type) if one.names_principals)


@functools.cache
def services(sub_type: str) -> frozenset[str]:
    """The APIs that a type and those under it are read from: all must be enabled."""
    return frozenset(one.service for one in family(sub_type))


def shown(sub_type: str) -> tuple[GcpKind, ...]:
    """The types of a family of which resources are made."""
    return tuple(one for one in family(sub_type) if not one.hidden)


def resource_types() -> tuple[ResourceType, ...]:
    """Every type with its calls and permissions, for the docs."""
    declared = tuple(
        ResourceType(one.sub_type, one.entity_type, _calls(one), _permissions(one))
        for one in (ORGANIZATION, FOLDER, BILLING_ACCOUNT, PROJECT, BINDING, *KINDS)
    )
    return (*declared, *(ResourceType(one.name, one.entity_type, *_naming()) for one in (USER, GROUP)))


def _naming() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The calls that name users and groups, and their permissions."""
    policies_ = tuple(one for one in (BINDING, *KINDS) if one.names_principals)
    return tuple(dict.fromkeys(call for one in policies_ for call in _calls(one))), tuple(
        dict.fromkeys(permission for one in policies_ for permission in _permissions(one))
    )


def _parents(one: GcpKind) -> tuple[GcpKind, ...]:
    """The kind and the lists that must be read before it and are not types of their own."""
    parent = kind(one.under) if one.under else None
    return (one, *(_parents(parent) if parent and (parent.hidden or one.is_inline) else ()))


def _calls(one: GcpKind) -> tuple[str, ...]:
    return tuple(dict.fromkeys(method for each in _parents(one) for method in each.every_method))


def _permissions(one: GcpKind) -> tuple[str, ...]:
    return tuple(dict.fromkeys(permission for each in _parents(one) for permission in each.permissions))


def is_above_projects(permission: str) -> bool:
    """True for a permission that only a role of an organization can have."""
    return permission.startswith(ABOVE_PROJECTS)


def policy(*, has_hierarchy: bool = True, has_assets: bool = True) -> dict[str, Any]:
    """The least custom role that reads everything here: what ``gcloud iam roles create --file`` takes.

    `has_hierarchy`: with what a job needs that reads an organization or folders; `has_assets`: with Cloud Asset Inventory's permission.
    """
    needed = {permission for one in resource_types() for permission in one.permissions}
    if has_assets:
        needed.add(LIST_ASSETS)
    if not has_hierarchy:
        needed = {permission for permission in needed if not is_above_projects(permission)}
    return {
        "title": ROLE_TITLE,
        "description": "Reads what Elder Worker inventories, and nothing else.",
        "stage": "GA",
        "includedPermissions": sorted(needed),
    }
