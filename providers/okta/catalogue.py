"""What is asked of Okta, as declarations: each list with its query, the permission that it needs, and the fields that are read of it.

Every path, parameter and field is checked by a test against Okta's own OpenAPI document (what is newer than that: against Okta's own SDK).
Field names are Okta's. What is not named here is not kept: passwords, recovery questions, phone numbers, home addresses, settings of
applications (which may hold secrets), and what changes with every sign-in.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from providers.provider import ResourceType


class Listing(msgspec.Struct, frozen=True):
    """One paged list: its path (also the name of its rate limit, as Okta counts by endpoint), and what a 403 lacks.

    `kept` are paths of a resource's attributes; `read` those that are looked at and not kept.
    """

    path: str
    what: str
    permission: str
    query: Mapping[str, str] = MappingProxyType({})
    kept: tuple[str, ...] = ()
    read: tuple[str, ...] = ("id",)

    def named(self, **more: str) -> Listing:
        """The same list with more in its query."""
        return msgspec.structs.replace(self, query={**self.query, **more})


_PROFILE = (
    "login", "email", "firstName", "lastName", "displayName", "nickName", "title", "userType", "employeeNumber", "organization",
    "division", "department", "costCenter", "manager", "managerId", "countryCode", "locale", "timezone",
)  # fmt: skip

ME = Listing("/api/v1/users/me", "look up who the token belongs to", "okta.users.read.self", read=("id", "profile.login"))

USERS = Listing(
    "/api/v1/users",
    "list users",
    "okta.users.read",
    {"limit": "200"},
    (
        "status", "transitioningToStatus", "created", "activated", "statusChanged", "lastUpdated", "passwordChanged", "type.id",
        "credentials.provider.type", "credentials.provider.name", *(f"profile.{name}" for name in _PROFILE),
    ),
)  # fmt: skip
"""Those that are not deprovisioned: Okta leaves the others out unless a filter asks for them."""

DEPROVISIONED = USERS.named(filter='status eq "DEPROVISIONED"')

GROUPS = Listing(
    "/api/v1/groups",
    "list groups",
    "okta.groups.read",
    {"limit": "200"},
    ("type", "created", "lastUpdated", "profile.description"),
    ("id", "type", "profile.name"),
)

MEMBERS = Listing("/api/v1/groups/{groupId}/users", "list the members of groups", "okta.groups.read", {"limit": "1000"})

APPLICATIONS = Listing(
    "/api/v1/apps",
    "list applications",
    "okta.apps.read",
    {"limit": "200"},
    ("name", "status", "signOnMode", "created", "lastUpdated"),
    ("id", "label"),
)

ASSIGNED_GROUPS = Listing("/api/v1/apps/{appId}/groups", "list the groups assigned to applications", "okta.apps.read", {"limit": "200"})

ASSIGNED_USERS = Listing(
    "/api/v1/apps/{appId}/users", "list the users assigned to applications", "okta.apps.read", {"limit": "500"}, read=("id", "scope")
)

ADMINISTRATORS = Listing(
    "/api/v1/iam/assignees/users", "list users with role assignments", "okta.roles.read", {"limit": "100"}, read=("value", "_links.next")
)

PRIVILEGED_GROUPS = Listing(
    "/api/v1/groups", "list groups with their statistics", "okta.groups.read", {"limit": "200", "expand": "stats"}, read=("id", "_embedded")
)
"""`_embedded.stats.hasAdminPrivilege` tells which groups have roles, so that the others need not be asked."""

_ROLE = (("type", "label", "status", "assignmentType", "created", "lastUpdated", "resource-set"), ("id", "role"))

ROLES_OF_USERS = Listing("/api/v1/users/{userId}/roles", "list the roles of users", "okta.roles.read", {}, *_ROLE)

ROLES_OF_GROUPS = Listing("/api/v1/groups/{groupId}/roles", "list the roles of groups", "okta.roles.read", {}, *_ROLE)

LISTINGS = (
    ME, USERS, DEPROVISIONED, GROUPS, MEMBERS, APPLICATIONS, ASSIGNED_GROUPS, ASSIGNED_USERS, ADMINISTRATORS, PRIVILEGED_GROUPS,
    ROLES_OF_USERS, ROLES_OF_GROUPS,
)  # fmt: skip


def _type(sub_type: str, entity_type: str, *listings: Listing) -> ResourceType:
    calls = tuple(f"GET {listing.path}" for listing in listings)
    return ResourceType(sub_type, entity_type, calls, tuple(dict.fromkeys(listing.permission for listing in listings)))


RESOURCE_TYPES = (
    _type("okta_user", "user", USERS, GROUPS, MEMBERS),
    _type("okta_group", "group", GROUPS),
    _type("okta_application", "application", APPLICATIONS, ASSIGNED_GROUPS, ASSIGNED_USERS),
    _type("okta_admin_role", "role", ADMINISTRATORS, PRIVILEGED_GROUPS, ROLES_OF_USERS, ROLES_OF_GROUPS),
    _type("okta_role_assignment", "permission", ADMINISTRATORS, PRIVILEGED_GROUPS, ROLES_OF_USERS, ROLES_OF_GROUPS),
)
