"""Declarations of what is read of Authentik: each list with its query, the permission that shows all of it, and the stored fields.

Every path, parameter and field is checked by a test against Authentik's own OpenAPI document. Field names are Authentik's. What is not
named here is not stored: avatars, the free `attributes` of users and groups (where secrets and personal data are put), sign-in times.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from providers.catalogue.kinds import LinkRule, ResourceKind
from providers.provider import ResourceType

ROOT = "/api/v3"

LARGEST: Mapping[str, str] = MappingProxyType({"ordering": "pk", "page_size": "100"})
"""The largest page, in an order that stays."""

SUPERUSER = "is_superuser"
"""Not a permission: membership in a group of superusers. Applications are shown in full to nobody else."""


class AuthentikKind(ResourceKind, frozen=True):
    """A type, and the list that has all of it; `permission` is the one without which Authentik leaves some of it out.

    `needed` are fields without which the links cannot be known: where one is missing, the links are read in part.
    """

    path: str
    query: Mapping[str, str] = LARGEST
    needed: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        """The request in sentences."""
        return f"list {self.sub_type.removeprefix('authentik_')}s"


USER = AuthentikKind(
    "authentik_user",
    "user",
    "{uuid}",
    "/core/users/",
    {**LARGEST, "include_groups": "false", "include_roles": "false"},
    ("groups",),
    name=("name", "username"),
    kept=("pk", "username", "email", "is_active", "is_superuser", "type", "path", "date_joined", "password_change_date"),
    links=(LinkRule("member_of", "groups[]"), LinkRule("has_role", "roles[]")),
    permission="authentik_core.view_user",
)

GROUP = AuthentikKind(
    "authentik_group",
    "group",
    "{pk}",
    "/core/groups/",
    {**LARGEST, "include_users": "false"},
    name="name",
    kept=("is_superuser",),
    links=(LinkRule("member_of", "parents[]"), LinkRule("member_of", "parent"), LinkRule("has_role", "roles[]")),
    permission="authentik_core.view_group",
)

ROLE = AuthentikKind("authentik_role", "role", "{pk}", "/rbac/roles/", name="name", kept=(), permission="authentik_rbac.view_role")

APPLICATION = AuthentikKind(
    "authentik_application",
    "application",
    "{pk}",
    "/core/applications/",
    {**LARGEST, "superuser_full_list": "true"},
    name=("name", "slug"),
    kept=("slug", "group", "meta_publisher", "meta_launch_url", "policy_engine_mode", "provider_obj.name", "provider_obj.verbose_name"),
    permission=SUPERUSER,
)

KINDS = (
    USER, GROUP, ROLE, APPLICATION,
)  # fmt: skip

BEFORE = {"/core/groups/": ("parent",)}
"""Fields that older versions have: a group had one parent until 2025.12, and has several since."""

ME = "/core/users/me/"
ME_FIELDS = ("user.username", "user.is_superuser", "user.roles[].pk")

PERMISSIONS = "/rbac/permissions/"
PERMISSIONS_QUERY = {"ordering": "id", "page_size": "100"}
PERMISSIONS_FIELDS = ("app_label", "codename")

RESOURCE_TYPES = tuple(ResourceType(k.sub_type, k.entity_type, (f"GET {ROOT}{k.path}",), (k.permission,)) for k in KINDS)
