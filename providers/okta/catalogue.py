"""Declarations of what is read of Okta. A type that one list shows in full is one `OktaKind` in `PLAIN`, and nothing else.

Every path, parameter and field is checked by a test against Okta's own OpenAPI document (what is newer than that: against Okta's own SDK).
Field names are Okta's. What is not kept is not stored: passwords, recovery questions, phone numbers, home addresses, settings of
applications (which may hold secrets), and what changes by itself: `lastLogin`, and `lastUpdated`, which moves with fields that are not
kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from providers.catalogue.kinds import LinkRule, ResourceKind
from providers.provider import ResourceType

NO_QUERY: Mapping[str, str] = MappingProxyType({})
LARGEST: Mapping[str, str] = MappingProxyType({"limit": "200"})
"""The largest page of most lists."""


class Listing(msgspec.Struct, frozen=True):
    """One paged list: its path (also the name of its rate limit, as Okta counts by endpoint), and what a 403 lacks.

    `items` is the key under which a body that is an object has the items; `read` are the fields that are looked at.
    """

    path: str
    what: str
    permission: str
    query: Mapping[str, str] = NO_QUERY
    items: str = ""
    read: tuple[str, ...] = ("id",)

    def named(self, **more: str) -> Listing:
        """The same list with more in its query."""
        return msgspec.structs.replace(self, query={**self.query, **more})


class OktaKind(ResourceKind, frozen=True):
    """A type, and the list that has its items; `read` are fields that are looked at and not stored."""

    path: str
    query: Mapping[str, str] = LARGEST
    read: tuple[str, ...] = ()

    @property
    def listing(self) -> Listing:
        """Returns the list of a type."""
        what = f"list {self.sub_type.removeprefix('okta_').replace('_', ' ')}s"
        return Listing(self.path, what, self.permission, self.query)


_PROFILE = (
    "login", "email", "firstName", "lastName", "displayName", "nickName", "title", "userType", "employeeNumber", "organization",
    "division", "department", "costCenter", "manager", "managerId", "countryCode", "locale", "timezone",
)  # fmt: skip

USER = OktaKind(
    "okta_user",
    "user",
    "{id}",
    "/api/v1/users",
    name=("profile.displayName", "profile.login"),
    kept=(
        "status", "transitioningToStatus", "created", "activated", "statusChanged", "passwordChanged", "type.id",
        "credentials.provider.type", "credentials.provider.name", *(f"profile.{name}" for name in _PROFILE),
    ),
    unmasked=("credentials.provider.type", "credentials.provider.name"),
    permission="okta.users.read",
)  # fmt: skip
"""Its list has those that are not deprovisioned: Okta leaves the others out unless a filter asks for them."""

GROUP = OktaKind(
    "okta_group",
    "group",
    "{id}",
    "/api/v1/groups",
    read=("type",),
    name="profile.name",
    kept=("type", "created", "profile.description"),
    permission="okta.groups.read",
)

APPLICATION = OktaKind(
    "okta_application",
    "application",
    "{id}",
    "/api/v1/apps",
    name="label",
    kept=("name", "status", "signOnMode", "created"),
    permission="okta.apps.read",
)

PLAIN = (
    OktaKind("okta_group_rule", "policy", "{id}", "/api/v1/groups/rules", name="name", permission="okta.groups.read",
             kept=("status", "type", "conditions.expression.value"),
             links=(LinkRule("assigns_to", "actions.assignUserToGroups.groupIds[]"),)),
    OktaKind("okta_network_zone", "network", "{id}", "/api/v1/zones", name="name", kept=("type", "status", "usage", "system", "created"),
             permission="okta.networkZones.read"),
    OktaKind("okta_trusted_origin", "network", "{id}", "/api/v1/trustedOrigins", name="name", kept=("origin", "status", "created"),
             permission="okta.trustedOrigins.read"),
    OktaKind("okta_identity_provider", "identity_provider", "{id}", "/api/v1/idps", name="name",
             kept=("type", "status", "issuerMode", "created"), permission="okta.idps.read"),
    OktaKind("okta_authorization_server", "identity_provider", "{id}", "/api/v1/authorizationServers", name="name",
             kept=("issuer", "issuerMode", "audiences", "description", "status", "created"), permission="okta.authorizationServers.read"),
)  # fmt: skip
"""Types that one list shows in full."""

_ROLE_PATH = "/api/v1/users/{userId}/roles"
_ROLE_FIELDS = ("type", "label", "status", "assignmentType", "created", "resource-set")

ADMIN_ROLE = OktaKind(
    "okta_admin_role", "role", "{role|standard}", _ROLE_PATH, NO_QUERY, name=("label", "type"), kept=("type",), permission="okta.roles.read"
)
"""A standard role has no id but its type; a custom role is known by `role`."""

ROLE_ASSIGNMENT = OktaKind(
    "okta_role_assignment", "permission", "{principal}/roles/{id}", _ROLE_PATH, NO_QUERY, name=("label", "type"), kept=_ROLE_FIELDS,
    permission="okta.roles.read",
)  # fmt: skip
"""The ids of standard assignments are told apart by principal only."""

KINDS = (USER, GROUP, APPLICATION, *PLAIN, ADMIN_ROLE, ROLE_ASSIGNMENT)

# Lists beside those of the kinds

ME = Listing("/api/v1/users/me", "look up who the token belongs to", "okta.users.read.self", read=("id", "profile.login"))

DEPROVISIONED = USER.listing.named(filter='status eq "DEPROVISIONED"')

MEMBERS = Listing("/api/v1/groups/{groupId}/users", "list the members of groups", "okta.groups.read", {"limit": "1000"})

ASSIGNED_GROUPS = Listing("/api/v1/apps/{appId}/groups", "list the groups assigned to applications", "okta.apps.read", LARGEST)

ASSIGNED_USERS = Listing(
    "/api/v1/apps/{appId}/users", "list the users assigned to applications", "okta.apps.read", {"limit": "500"}, read=("id", "scope")
)

ADMINISTRATORS = Listing(
    "/api/v1/iam/assignees/users",
    "list users with role assignments",
    "okta.roles.read",
    {"limit": "100"},
    "value",
    ("value", "_links.next"),
)

PRIVILEGED_GROUPS = Listing(
    "/api/v1/groups", "list groups with their statistics", "okta.groups.read", {**LARGEST, "expand": "stats"}, read=("id", "_embedded")
)
"""`_embedded.stats.hasAdminPrivilege` tells which groups have roles, so that the others need not be asked."""

_ROLE_READ = ("id", "role", *_ROLE_FIELDS)

ROLES_OF_USERS = Listing(_ROLE_PATH, "list the roles of users", "okta.roles.read", read=_ROLE_READ)

ROLES_OF_GROUPS = Listing("/api/v1/groups/{groupId}/roles", "list the roles of groups", "okta.roles.read", read=_ROLE_READ)

ONE_GROUP = Listing("/api/v1/groups/{groupId}", "look up a group", "okta.groups.read")
ONE_APPLICATION = Listing("/api/v1/apps/{appId}", "look up an application", "okta.apps.read")
ONE_USER = Listing("/api/v1/users/{userId}", "look up a user", "okta.users.read")
SINGLE = (ME, ONE_GROUP, ONE_APPLICATION, ONE_USER)
"""Those that answer with one object."""

LISTINGS = (
    *SINGLE, DEPROVISIONED, MEMBERS, ASSIGNED_GROUPS, ASSIGNED_USERS, ADMINISTRATORS, PRIVILEGED_GROUPS, ROLES_OF_USERS, ROLES_OF_GROUPS,
)  # fmt: skip


def _type(kind: OktaKind, *listings: Listing) -> ResourceType:
    calls = tuple(f"GET {listing.path}" for listing in listings)
    return ResourceType(kind.sub_type, kind.entity_type, calls, tuple(dict.fromkeys(listing.permission for listing in listings)))


_ROLE_LISTINGS = (ADMINISTRATORS, PRIVILEGED_GROUPS, ROLES_OF_USERS, ROLES_OF_GROUPS)

RESOURCE_TYPES = (
    _type(USER, USER.listing, GROUP.listing, MEMBERS),
    _type(GROUP, GROUP.listing),
    _type(APPLICATION, APPLICATION.listing, ASSIGNED_GROUPS, ASSIGNED_USERS),
    *(_type(kind, kind.listing) for kind in PLAIN),
    _type(ADMIN_ROLE, *_ROLE_LISTINGS),
    _type(ROLE_ASSIGNMENT, *_ROLE_LISTINGS),
)

SCOPES = tuple(sorted({permission for kind in RESOURCE_TYPES for permission in kind.permissions}))
"""The OAuth 2.0 scopes that a service app needs to read every type."""
