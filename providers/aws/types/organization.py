"""The organization that accounts belong to. It is read in its management account, whose it is, or in one that administers it for that."""

from __future__ import annotations

from providers.aws.declaration import AwsKind, Detail, Listing
from providers.catalogue.kinds import LinkRule

SERVICE = "organizations"
MANAGED = Listing(
    "DescribeOrganization", "Organization", into="Organization", service=SERVICE, own="MasterAccountId",
    absent=("AWSOrganizationsNotInUseException",),
)  # fmt: skip
ROOTS = Listing("ListRoots", "Roots[]", into="Parent", service=SERVICE, under=MANAGED)
PARENTS = Listing(
    "ListOrganizationalUnitsForParent", "OrganizationalUnits[]", into="Parent", service=SERVICE, under=ROOTS, tree=True,
    parameters={"ParentId": "{Parent.Id}"},
)  # fmt: skip
POLICY_TYPES = Listing("ListRoots", "Roots[].PolicyTypes[]", into="Enabled", service=SERVICE, under=MANAGED)
BELOW = {"ParentId": "{Parent.Id}"}

# A table reads better than one argument a line.
# fmt: off
ORGANIZATION = (
    AwsKind(
        "organization", "organization", "{Arn}", SERVICE, "DescribeOrganization", "Organization", name="Id", tags="", under=MANAGED,
        regional=False, omit=("Organization", "AvailablePolicyTypes"),
    ),
    AwsKind(
        "organization_root", "organization", "{Arn}", SERVICE, "ListRoots", "Roots[]", name="Name", tags="", under=MANAGED,
        regional=False, omit=("Organization",), unordered=("PolicyTypes",), parent="{Organization.Arn}",
    ),
    AwsKind(
        "organizational_unit", "organization", "{Arn}", SERVICE, "ListOrganizationalUnitsForParent", "OrganizationalUnits[]", name="Name",
        tags="", under=PARENTS, parameters=BELOW, regional=False, omit=("Organization", "Parent"), parent="{Parent.Arn}",
    ),
    AwsKind(
        "aws_account", "account", "{Arn}", SERVICE, "ListAccountsForParent", "Accounts[]", name="Name", tags="", under=PARENTS,
        parameters=BELOW, regional=False, omit=("Organization", "Parent"), unordered=("Paths",), parent="{Parent.Arn}",
    ),
    AwsKind(
        "organization_policy", "permission", "{Arn}", SERVICE, "ListPolicies", "Policies[]", name="Name", tags="", under=POLICY_TYPES,
        parameters={"Filter": "{Enabled.Type}"}, regional=False, omit=("Organization", "Enabled"), unordered=("Targets",),
        details=(
            Detail("DescribePolicy", {"PolicyId": "{Id}"}, "Policy.Content", "Content"),
            Detail("ListTargetsForPolicy", {"PolicyId": "{Id}"}, "Targets[]", "Targets"),
        ),
        links=(LinkRule("attached_to", "Targets[].Arn"),),
    ),
)
# fmt: on
