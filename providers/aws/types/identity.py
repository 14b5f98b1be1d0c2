"""IAM Identity Center: the people and groups of an organization, and what they may do in which account.

An instance lives in one region. Members of the organization see it too, but it is read in the account that owns it, or in one that
administers it for that.
"""

from __future__ import annotations

from providers.aws.declaration import AwsKind, Detail, Listing
from providers.catalogue.kinds import LinkRule

SSO, STORE = "sso-admin", "identitystore"
INSTANCES = Listing("ListInstances", "Instances[]", into="Instance", service=SSO, own="OwnerAccountId")
OF_INSTANCE = {"InstanceArn": "{Instance.InstanceArn}"}
OF_STORE = {"IdentityStoreId": "{Instance.IdentityStoreId}"}
OF_SET = {**OF_INSTANCE, "PermissionSetArn": "{PermissionSetArn}"}
PERMISSION_SETS = Listing("ListPermissionSets", "PermissionSets[]", "PermissionSetArn", OF_INSTANCE, service=SSO, under=INSTANCES)
PROVISIONED = Listing(
    "ListAccountsForProvisionedPermissionSet", "AccountIds[]", "AccountId", OF_SET, service=SSO, under=PERMISSION_SETS
)  # fmt: skip
USER, GROUP = "arn:{partition}:identitystore:::user/{value}", "arn:{partition}:identitystore:::group/{value}"

# A table reads better than one argument a line.
# fmt: off
IDENTITY = (
    AwsKind(
        "identity_center_instance", "identity_provider", "{InstanceArn}", SSO, "ListInstances", "Instances[]", name="Name", tags="",
        own="OwnerAccountId", unordered=("Regions",),
    ),
    AwsKind(
        "permission_set", "role", "{PermissionSetArn}", SSO, "ListPermissionSets", "PermissionSets[]", name="Name",
        scalar="PermissionSetArn", under=INSTANCES, parameters=OF_INSTANCE, parent="{Instance.InstanceArn}", omit=("Instance",),
        details=(
            Detail("DescribePermissionSet", OF_SET, "PermissionSet"),
            Detail("ListManagedPoliciesInPermissionSet", OF_SET, "AttachedManagedPolicies[]", "AttachedManagedPolicies"),
            Detail("GetInlinePolicyForPermissionSet", OF_SET, "InlinePolicy", "InlinePolicy"),
            Detail("ListTagsForResource", {**OF_INSTANCE, "ResourceArn": "{PermissionSetArn}"}, "Tags[]", "Tags"),
        ),
        unordered=("AttachedManagedPolicies",), links=(LinkRule("has_policy", "AttachedManagedPolicies[].Arn"),),
    ),
    AwsKind(
        "account_assignment", "permission", "{PermissionSetArn}/{AccountId}/{PrincipalType}/{PrincipalId}", SSO, "ListAccountAssignments",
        "AccountAssignments[]", tags="", under=PROVISIONED,
        parameters={**OF_SET, "AccountId": "{AccountId}"}, parent="{PermissionSetArn}", omit=("Instance",),
        links=(
            LinkRule("granted_to", "PrincipalId", USER, when=("PrincipalType", "USER")),
            LinkRule("granted_to", "PrincipalId", GROUP, when=("PrincipalType", "GROUP")),
            LinkRule("grants_role", "PermissionSetArn"),
        ),
    ),
    AwsKind(
        "identity_center_user", "user", "arn:{partition}:identitystore:::user/{UserId}", STORE, "ListUsers", "Users[]", name="UserName",
        tags="", under=INSTANCES, parameters=OF_STORE, parent="{Instance.InstanceArn}",
        omit=("Instance", "Addresses", "Birthdate", "PhoneNumbers", "Photos", "Extensions", "Revision"),
    ),
    AwsKind(
        "identity_center_group", "group", "arn:{partition}:identitystore:::group/{GroupId}", STORE, "ListGroups", "Groups[]",
        name="DisplayName", tags="", under=INSTANCES, parameters=OF_STORE, parent="{Instance.InstanceArn}",
        omit=("Instance", "Revision"),
    ),
    AwsKind(
        "identity_center_membership", "membership", "arn:{partition}:identitystore:::membership/{MembershipId}", STORE,
        "ListGroupMemberships", "GroupMemberships[]", tags="", parameters={**OF_STORE, "GroupId": "{Group.GroupId}"},
        under=Listing("ListGroups", "Groups[]", into="Group", parameters=OF_STORE, under=INSTANCES), omit=("Instance", "Group"),
        parent="arn:{partition}:identitystore:::group/{GroupId}",
        links=(LinkRule("member_of", "GroupId", GROUP), LinkRule("has_member", "MemberId.UserId", USER)),
    ),
)
# fmt: on
