"""The organization that accounts belong to. It is read in its management account, whose it is, or in one that administers it for that."""

from __future__ import annotations

from providers.aws.declaration import Detail, Kind, LinkRule, Listing

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
    Kind(
        "organization", "organization", SERVICE, "DescribeOrganization", "Organization", "{Arn}", name="Id", tags="", under=MANAGED,
        regional=False, omit=("Organization", "AvailablePolicyTypes"),
    ),
    Kind(
        "organization_root", "organization", SERVICE, "ListRoots", "Roots[]", "{Arn}", name="Name", tags="", under=MANAGED,
        regional=False, omit=("Organization",), unordered=("PolicyTypes",), parent="{Organization.Arn}",
    ),
    Kind(
        "organizational_unit", "organization", SERVICE, "ListOrganizationalUnitsForParent", "OrganizationalUnits[]", "{Arn}", name="Name",
        tags="", under=PARENTS, parameters=BELOW, regional=False, omit=("Organization", "Parent"), parent="{Parent.Arn}",
    ),
    Kind(
        "aws_account", "account", SERVICE, "ListAccountsForParent", "Accounts[]", "{Arn}", name="Name", tags="", under=PARENTS,
        parameters=BELOW, regional=False, omit=("Organization", "Parent"), unordered=("Paths",), parent="{Parent.Arn}",
    ),
    Kind(
        "organization_policy", "permission", SERVICE, "ListPolicies", "Policies[]", "{Arn}", name="Name", tags="", under=POLICY_TYPES,
        parameters={"Filter": "{Enabled.Type}"}, regional=False, omit=("Organization", "Enabled"), unordered=("Targets",),
        details=(
            Detail("DescribePolicy", {"PolicyId": "{Id}"}, "Policy.Content", "Content"),
            Detail("ListTargetsForPolicy", {"PolicyId": "{Id}"}, "Targets[]", "Targets"),
        ),
        links=(LinkRule("attached_to", "Targets[].Arn"),),
    ),
)
# fmt: on
