"""The types of an Entra tenant, as declarations that tests hold against Microsoft's own description of Microsoft Graph.

Every list names its fields (``$select``): what nobody needs in an inventory (phones, addresses), and what changes with every sign-in, is
not even asked for.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

import msgspec

from providers.catalogue.kinds import LinkRule, ResourceKind

VERSION = "/v1.0"


class Listing(msgspec.Struct, frozen=True):
    """One list of Microsoft Graph: its path, the fields of its items that we take beside the id, and the documented maximum of ``$top``."""

    path: str
    fields: tuple[str, ...] = ()
    largest: int = 0
    """0 for a list without ``$top``."""

    @property
    def what(self) -> str:
        """The call in a sentence: ``list users``."""
        return f"list {self.path.rpartition('/')[2]}"

    def url(self, identifier: str = "") -> str:
        """The address of the first page; `identifier` fills the hole ``{id}``."""
        query = {"$select": ",".join(("id", *self.fields))} | ({"$top": str(self.largest)} if self.largest else {})
        return f"{VERSION}{self.path.replace('{id}', quote(identifier, safe=''))}?{urlencode(query, safe='$,')}"


class _Options(ResourceKind, frozen=True, kw_only=True):
    """The keywords of any type of a tenant."""

    name: str | tuple[str, ...] = "displayName"
    others: tuple[Listing, ...] = ()
    """Further lists that it takes to know all of it."""


class EntraKind(_Options, frozen=True):
    """A resource type: the list of its items, and the name of the item in Microsoft's description.

    Items are known by their object ids, which are what Azure's role assignments link to. The source adds ``status`` and ``credentials``.
    """

    listing: Listing
    schema: str

    @property
    def calls(self) -> tuple[str, ...]:
        """The calls, for the docs."""
        return tuple(f"GET {listing.path}" for listing in (self.listing, *self.others))


ID = "{id}"

# A table reads better than one argument a line.
# fmt: off
TENANT = EntraKind(
    "entra_tenant", "directory", ID,
    Listing("/organization", ("displayName", "verifiedDomains", "tenantType", "createdDateTime", "onPremisesSyncEnabled")),
    "Organization", permission="Organization.Read.All", unordered=("verifiedDomains",),
)
USERS = EntraKind(
    "entra_user", "user", ID,
    Listing("/users", (
        "displayName", "userPrincipalName", "mail", "accountEnabled", "userType", "creationType", "externalUserState", "createdDateTime",
        "department", "jobTitle", "companyName", "employeeId", "employeeType", "onPremisesSyncEnabled", "onPremisesSamAccountName",
        "onPremisesSecurityIdentifier", "onPremisesDistinguishedName",
    ), 999),
    "User", name=("displayName", "userPrincipalName"), permission="User.Read.All",
)
MEMBERS, OWNERS = Listing("/groups/{id}/members", (), 999), Listing("/groups/{id}/owners", (), 999)
GROUPS = EntraKind(
    "entra_group", "group", ID,
    Listing("/groups", (
        "displayName", "description", "mail", "mailEnabled", "securityEnabled", "groupTypes", "visibility", "isAssignableToRole",
        "membershipRule", "membershipRuleProcessingState", "onPremisesSyncEnabled", "onPremisesSecurityIdentifier", "createdDateTime",
    ), 999),
    "Group", permission="Group.Read.All", others=(MEMBERS, OWNERS), unordered=("groupTypes",),
)
APPLICATIONS = EntraKind(
    "entra_application", "application", ID,
    Listing("/applications", (
        "displayName", "appId", "signInAudience", "publisherDomain", "identifierUris", "createdDateTime", "keyCredentials",
        "passwordCredentials", "requiredResourceAccess",
    ), 999),
    "Application", permission="Application.Read.All", omit=("keyCredentials", "passwordCredentials"), unmasked=("credentials[].type",),
    unordered=("identifierUris", "requiredResourceAccess"),
)
SERVICE_PRINCIPALS = EntraKind(
    "entra_service_principal", "service_account", ID,
    Listing("/servicePrincipals", (
        "displayName", "appId", "servicePrincipalType", "accountEnabled", "appOwnerOrganizationId", "signInAudience", "alternativeNames",
        "servicePrincipalNames", "keyCredentials", "passwordCredentials", "tags", "appRoleAssignmentRequired",
    ), 999),
    "ServicePrincipal", permission="Application.Read.All", omit=("keyCredentials", "passwordCredentials"), unmasked=("credentials[].type",),
    unordered=("alternativeNames", "servicePrincipalNames", "tags"),
)
DEVICES = EntraKind(
    "entra_device", "device", ID,
    Listing("/devices", (
        "displayName", "deviceId", "accountEnabled", "operatingSystem", "operatingSystemVersion", "trustType", "isCompliant", "isManaged",
        "manufacturer", "model", "registrationDateTime", "onPremisesSyncEnabled",
    ), 999),
    "Device", permission="Device.Read.All",
)
ROLES = EntraKind(
    "entra_role", "role", ID,
    Listing("/roleManagement/directory/roleDefinitions", ("displayName", "description", "isBuiltIn", "isEnabled", "templateId")),
    "UnifiedRoleDefinition", permission="RoleManagement.Read.Directory",
)
ROLE_ASSIGNMENTS = EntraKind(
    "entra_role_assignment", "permission", ID,
    Listing("/roleManagement/directory/roleAssignments", ("principalId", "roleDefinitionId", "directoryScopeId", "appScopeId")),
    "UnifiedRoleAssignment", name="id", permission="RoleManagement.Read.Directory",
    links=(
        LinkRule("has_role", "roleDefinitionId"),
        LinkRule("granted_to", "principalId"),
        LinkRule("limited_to", "directoryScopeId", "{value/}"),
    ),
)

PLAIN = (
    DEVICES, ROLES, ROLE_ASSIGNMENTS,
)
"""Types that one list shows in full, beside the memberships of devices."""

KINDS = (TENANT, USERS, GROUPS, APPLICATIONS, SERVICE_PRINCIPALS, *PLAIN)
