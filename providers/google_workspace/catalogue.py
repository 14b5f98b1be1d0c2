"""What is read of a Google Workspace customer, as declarations that tests hold against Google's description of the Directory API.

Every list names its fields: what nobody needs in an inventory (phones, addresses, recovery data), and what changes with every sign-in or
every look (`lastLoginTime`, `etag`, photo addresses), is not even asked for.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import msgspec

_DIRECTORY = "/admin/directory/v1"
_SCOPE = "https://www.googleapis.com/auth/admin.directory."


class Listing(msgspec.Struct, frozen=True):
    """One list of the API: the id of its method in Google's description, its path, where the items are, which of their fields we take."""

    method: str
    path: str
    """Below the API's own; ``{customer}`` and ``{group}`` are filled in."""
    items: str
    key: str
    """The field that identifies an item; our external id is `Kind.external_id` of it."""
    fields: tuple[str, ...]
    """Beside `key`, as a request's ``fields`` has them: ``name(fullName)``."""
    parameters: tuple[tuple[str, str], ...] = ()
    paged: bool = True
    instead: str = ""
    """The field that identifies an item without `key`."""

    def identity(self, item: Any) -> str:
        """What identifies an item of the list; empty when it is none."""
        return str(item.get(self.key) or item.get(self.instead) or "") if isinstance(item, dict) else ""

    def url(self, **names: str) -> str:
        """Of the first page."""
        query = {name: value.format(**names) for name, value in self.parameters}
        query["fields"] = f"{'nextPageToken,' if self.paged else ''}{self.items}({','.join((self.key, *self.fields))})"
        path = self.path.format(**{name: quote(value, safe="") for name, value in names.items()})
        return f"{_DIRECTORY}{path}?{urlencode(query)}"


class Kind(msgspec.Struct, frozen=True):
    """A resource type: how its items are listed, under which OAuth scope, and which field is their name."""

    sub_type: str
    entity_type: str
    scope: str
    listing: Listing
    name: str
    external_id: str = "{key}"
    others: tuple[Listing, ...] = ()
    """Further lists that it takes to know all of it."""
    unordered: tuple[str, ...] = ()
    """Fields whose lists are sets."""

    @property
    def calls(self) -> tuple[str, ...]:
        """The methods, for the docs."""
        return tuple(dict.fromkeys(listing.method for listing in (self.listing, *self.others)))


ORG_UNITS = Kind(
    "google_ou",
    "organizational_unit",
    f"{_SCOPE}orgunit.readonly",
    Listing(
        "directory.orgunits.list",
        "/customer/{customer}/orgunits",
        "organizationUnits",
        "orgUnitId",
        ("name", "description", "orgUnitPath", "parentOrgUnitId", "parentOrgUnitPath"),
        (("type", "all"),),  # without it, the API gives the top level only
        paged=False,
    ),
    "name",
)

_USER_FIELDS = (
    "primaryEmail",
    "name(fullName,givenName,familyName)",
    "aliases",
    "orgUnitPath",
    "organizations",
    "externalIds",
    "isAdmin",
    "isDelegatedAdmin",
    "isEnrolledIn2Sv",
    "isEnforcedIn2Sv",
    "isMailboxSetup",
    "isGuestUser",
    "suspended",
    "suspensionReason",
    "archived",
    "creationTime",
    "deletionTime",
)
_USERS = Listing(
    "directory.users.list",
    "/users",
    "users",
    "id",
    _USER_FIELDS,
    (("customer", "{customer}"), ("maxResults", "500"), ("projection", "basic")),
)
DELETED_USERS = msgspec.structs.replace(_USERS, parameters=(*_USERS.parameters, ("showDeleted", "true")))
USERS = Kind("google_user", "user", f"{_SCOPE}user.readonly", _USERS, "primaryEmail", others=(DELETED_USERS,), unordered=("aliases",))

MEMBERS = Listing(
    "directory.members.list",
    "/groups/{group}/members",
    "members",
    "id",
    ("email", "type", "role"),
    (("maxResults", "200"),),
    instead="email",  # people from elsewhere
)
GROUPS = Kind(
    "google_group",
    "group",
    f"{_SCOPE}group.readonly",
    Listing(
        "directory.groups.list",
        "/groups",
        "groups",
        "id",
        ("email", "name", "description", "adminCreated", "aliases"),
        (("customer", "{customer}"), ("maxResults", "200")),
    ),
    "name",
    others=(MEMBERS,),
    unordered=("aliases",),
)

_ROLES = f"{_SCOPE}rolemanagement.readonly"
ROLES = Kind(
    "google_admin_role",
    "role",
    _ROLES,
    Listing(
        "directory.roles.list",
        "/customer/{customer}/roles",
        "items",
        "roleId",
        ("roleName", "roleDescription", "isSystemRole", "isSuperAdminRole", "rolePrivileges"),
        (("maxResults", "100"),),
    ),
    "roleName",
    "roles/{key}",
    unordered=("rolePrivileges",),
)
ROLE_ASSIGNMENTS = Kind(
    "google_role_assignment",
    "permission",
    _ROLES,
    Listing(
        "directory.roleAssignments.list",
        "/customer/{customer}/roleassignments",
        "items",
        "roleAssignmentId",
        ("roleId", "assignedTo", "assigneeType", "scopeType", "orgUnitId", "condition"),
        (("maxResults", "200"),),
    ),
    "roleAssignmentId",
    "roleassignments/{key}",
)
DOMAINS = Kind(
    "google_domain",
    "domain",
    f"{_SCOPE}domain.readonly",
    Listing(
        "directory.domains.list",
        "/customer/{customer}/domains",
        "domains",
        "domainName",
        ("isPrimary", "verified", "creationTime", "domainAliases(domainAliasName,verified)"),
        paged=False,
    ),
    "domainName",
    unordered=("domainAliases",),
)

KINDS = (ORG_UNITS, USERS, GROUPS, ROLES, ROLE_ASSIGNMENTS, DOMAINS)
