"""What is asked of Authentik, as declarations: each list with its query, the permission that shows all of it, and the fields that are read.

Every path, parameter and field is checked by a test against Authentik's own OpenAPI document. Field names are Authentik's. What is not
named here is not kept: avatars, the free `attributes` of users and groups (where secrets and personal data are put), sign-in times.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from providers.provider import ResourceType

ROOT = "/api/v3"


class LinkRule(msgspec.Struct, frozen=True):
    """`type` of the link, and the path to the id(s) it points to; ``[]`` walks a list."""

    type: str
    path: str


class Kind(msgspec.Struct, frozen=True):
    """A resource type: the list that has all of it, the permission without which Authentik leaves some of it out, and its fields."""

    sub_type: str
    entity_type: str
    path: str
    permission: str
    query: Mapping[str, str]
    number: str
    """The field that is its id."""
    name: tuple[str, ...]
    """The first of these that is not empty."""
    kept: tuple[str, ...]
    links: tuple[LinkRule, ...] = ()
    needed: tuple[str, ...] = ()
    """Lists without which the links cannot be known: when one is missing, that is no answer."""

    @property
    def what(self) -> str:
        """The request in sentences."""
        return f"list {self.sub_type.removeprefix('authentik_')}s"


SUPERUSER = "is_superuser"
"""Not a permission: membership in a group of superusers. Applications are shown in full to nobody else."""

KINDS = (
    Kind(
        "authentik_user",
        "user",
        "/core/users/",
        "authentik_core.view_user",
        {"include_groups": "false", "include_roles": "false", "ordering": "pk", "page_size": "100"},
        "uuid",
        ("name", "username"),
        ("pk", "username", "email", "is_active", "is_superuser", "type", "path", "date_joined", "password_change_date"),
        (LinkRule("member_of", "groups[]"), LinkRule("has_role", "roles[]")),
        ("groups",),
    ),
    Kind(
        "authentik_group",
        "group",
        "/core/groups/",
        "authentik_core.view_group",
        {"include_users": "false", "ordering": "pk", "page_size": "100"},
        "pk",
        ("name",),
        ("is_superuser",),
        (LinkRule("member_of", "parents[]"), LinkRule("member_of", "parent"), LinkRule("has_role", "roles[]")),
    ),
    Kind(
        "authentik_role",
        "role",
        "/rbac/roles/",
        "authentik_rbac.view_role",
        {"ordering": "pk", "page_size": "100"},
        "pk",
        ("name",),
        (),
    ),
    Kind(
        "authentik_application",
        "application",
        "/core/applications/",
        SUPERUSER,
        {"superuser_full_list": "true", "ordering": "pk", "page_size": "100"},
        "pk",
        ("name", "slug"),
        ("slug", "group", "meta_publisher", "meta_launch_url", "policy_engine_mode", "provider_obj.name", "provider_obj.verbose_name"),
    ),
)

BEFORE = {"/core/groups/": ("parent",)}
"""Fields that older versions have: a group had one parent until 2025.12, and has several since."""

ME = "/core/users/me/"
ME_FIELDS = ("user.username", "user.is_superuser", "user.roles[].pk")

PERMISSIONS = "/rbac/permissions/"
PERMISSIONS_QUERY = {"ordering": "id", "page_size": "100"}
PERMISSIONS_FIELDS = ("app_label", "codename")

RESOURCE_TYPES = tuple(ResourceType(k.sub_type, k.entity_type, (f"GET {ROOT}{k.path}",), (k.permission,)) for k in KINDS)
