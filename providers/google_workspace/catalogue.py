"""The types of a Google Workspace customer, as declarations that tests hold against Google's description of the Directory API.

Every list names its fields: what nobody needs in an inventory (phones, addresses, recovery data), and what changes with every sign-in or
every look (`lastLoginTime`, `etag`, photo addresses), is not even asked for.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from providers.catalogue.kinds import LinkRule, ResourceKind
from providers.catalogue.paths import is_text

_DIRECTORY = "/admin/directory/v1"
_SCOPE = "https://www.googleapis.com/auth/admin.directory."


class Listing(msgspec.Struct, frozen=True):
    """One list of the API: the id of its method in Google's description, its path, where the items are, which of their fields we take."""

    method: str
    path: str
    """Below the API's own; ``{customer}`` and ``{group}`` are filled in."""
    items: str
    key: str
    """The field that identifies an item."""
    fields: tuple[str, ...]
    """Beside `key`, as a request's ``fields`` has them: ``name(fullName)``."""
    parameters: tuple[tuple[str, str], ...] = ()
    largest: int = 0
    """The documented maximum of ``maxResults``; 0 for a list without pages."""
    instead: str = ""
    """The field that identifies an item without `key`."""

    @property
    def what(self) -> str:
        """The call in a sentence: ``list users``."""
        return f"list {self.method.split('.')[1]}"

    def identity(self, item: Any) -> str:
        """The value that identifies an item of the list; empty when it has none."""
        found = (item.get(self.key) or item.get(self.instead)) if isinstance(item, dict) else ""
        return str(found) if is_text(found) else ""

    def restart_key(self, item: Any) -> str:
        """The key of an item, the same when the list is read again: its identity, else all that the item has."""
        return self.identity(item) or json.dumps(item, sort_keys=True, default=str)

    def url(self, *, size: int = 0, token: str = "", **names: str) -> str:
        """The address of a page: of the first one, without a token."""
        query = {name: value.format(**names) for name, value in self.parameters}
        query |= ({"maxResults": str(size)} if size else {}) | ({"pageToken": token} if token else {})
        query["fields"] = f"{'nextPageToken,' if self.largest else ''}{self.items}({','.join((self.key, *self.fields))})"
        path = self.path.format(**{name: quote(value, safe="") for name, value in names.items()})
        return f"{_DIRECTORY}{path}?{urlencode(query)}"


class _Options(ResourceKind, frozen=True, kw_only=True):
    """The keywords of any type of the directory."""

    others: tuple[Listing, ...] = ()
    """Further lists that it takes to know all of it."""


class DirectoryKind(_Options, frozen=True):
    """A resource type: the list of its items and the OAuth scope that it takes. `{home}` is the organization that an item is in."""

    scope: str
    listing: Listing

    @property
    def calls(self) -> tuple[str, ...]:
        """The methods, for the docs."""
        return tuple(dict.fromkeys(listing.method for listing in (self.listing, *self.others)))


ORG_UNITS = DirectoryKind(
    "google_ou",
    "organizational_unit",
    "{orgUnitId}",
    f"{_SCOPE}orgunit.readonly",
    Listing(
        "directory.orgunits.list",
        "/customer/{customer}/orgunits",
        "organizationUnits",
        "orgUnitId",
        ("name", "description", "orgUnitPath", "parentOrgUnitId", "parentOrgUnitPath"),
        (("type", "all"),),  # without it, the API gives the top level only
    ),
    name=("name", "orgUnitPath"),
    parent="{home?}",
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
    (("customer", "{customer}"), ("projection", "basic")),
    500,
)
DELETED_USERS = msgspec.structs.replace(_USERS, parameters=(*_USERS.parameters, ("showDeleted", "true")))
USERS = DirectoryKind(
    "google_user",
    "user",
    "{id}",
    f"{_SCOPE}user.readonly",
    _USERS,
    name="primaryEmail",
    parent="{home?}",
    others=(DELETED_USERS,),
    unordered=("aliases",),
)

MEMBERS = Listing(
    "directory.members.list",
    "/groups/{group}/members",
    "members",
    "id",
    ("email", "type", "role"),
    (),
    200,
    "email",  # of people from elsewhere
)
GROUPS = DirectoryKind(
    "google_group",
    "group",
    "{id}",
    f"{_SCOPE}group.readonly",
    Listing(
        "directory.groups.list",
        "/groups",
        "groups",
        "id",
        ("email", "name", "description", "adminCreated", "aliases"),
        (("customer", "{customer}"),),
        200,
    ),
    name="name",
    others=(MEMBERS,),
    unordered=("aliases",),
)

_ROLES = f"{_SCOPE}rolemanagement.readonly"
ROLES = DirectoryKind(
    "google_admin_role",
    "role",
    "roles/{roleId}",
    _ROLES,
    Listing(
        "directory.roles.list",
        "/customer/{customer}/roles",
        "items",
        "roleId",
        ("roleName", "roleDescription", "isSystemRole", "isSuperAdminRole", "rolePrivileges"),
        (),
        100,
    ),
    name="roleName",
    unordered=("rolePrivileges",),
)
ROLE_ASSIGNMENTS = DirectoryKind(
    "google_role_assignment",
    "permission",
    "roleassignments/{roleAssignmentId}",
    _ROLES,
    Listing(
        "directory.roleAssignments.list",
        "/customer/{customer}/roleassignments",
        "items",
        "roleAssignmentId",
        ("roleId", "assignedTo", "assigneeType", "scopeType", "orgUnitId", "condition"),
        (),
        200,
    ),
    name="roleAssignmentId",
    links=(
        LinkRule("has_role", "roleId", ROLES.id.replace("roleId", "value")),
        LinkRule("granted_to", "assignedTo"),
        LinkRule("limited_to", "orgUnitId", "id:{value}"),
    ),
)
DOMAINS = DirectoryKind(
    "google_domain",
    "domain",
    "{domainName}",
    f"{_SCOPE}domain.readonly",
    Listing(
        "directory.domains.list",
        "/customer/{customer}/domains",
        "domains",
        "domainName",
        ("isPrimary", "verified", "creationTime", "domainAliases(domainAliasName,verified)"),
    ),
    name="domainName",
    unordered=("domainAliases",),
)

PLAIN = (
    ROLES, ROLE_ASSIGNMENTS, DOMAINS,
)  # fmt: skip
"""Types that one list shows in full."""

UNIT_BOUND = (ORG_UNITS, USERS)
"""Types of which an administrator whose role is limited to a unit sees a part; a role for groups cannot be limited."""

KINDS = (ORG_UNITS, USERS, GROUPS, *PLAIN)
