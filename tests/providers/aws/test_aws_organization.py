"""Organizations and Identity Center: trees, what several types share, and accounts to which none of it belongs."""

from __future__ import annotations

import json

import pytest
from peers.aws_proxy import AwsReply
from peers.moto import Moto
from test_aws_reading import ACCOUNT, REGION, found, read, report

from providers.errors import Outcome
from providers.records import Link, Scope

TYPES = ("organization", "organization_root", "organizational_unit", "aws_account", "organization_policy")
TAGGED = AwsReply(200, "", b'{"Tags": [{"Key": "team", "Value": "a"}]}')
"""moto does not know this call."""


@pytest.fixture
def company(moto: Moto) -> dict[str, str]:
    """An organization: root > workloads > production > an account of its own. Gives their names and ids."""
    organizations = moto.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    root = organizations.list_roots()["Roots"][0]["Id"]
    organizations.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    above, units = root, {}
    for name in ("workloads", "production"):
        above = units[name] = organizations.create_organizational_unit(ParentId=above, Name=name)["OrganizationalUnit"]["Id"]
    account = organizations.create_account(AccountName="shop", Email="shop@example.com")["CreateAccountStatus"]["AccountId"]
    organizations.move_account(AccountId=account, SourceParentId=root, DestinationParentId=above)
    return {"root": root, "shop": account, **units}


def test_the_tree_of_an_organization(moto: Moto, company, aws_proxy):
    collected = read(aws_proxy.url, *TYPES)
    (organization,) = found(collected, "organization").values()
    (root,) = found(collected, "organization_root").values()
    units = {unit.name: unit for unit in found(collected, "organizational_unit").values()}
    accounts = {account.attributes["Id"]: account for account in found(collected, "aws_account").values()}

    assert root.parent == organization.external_id
    assert {name: unit.attributes["Id"] for name, unit in units.items()} == {key: company[key] for key in ("workloads", "production")}
    assert units["workloads"].parent == root.external_id
    assert units["production"].parent == units["workloads"].external_id
    assert accounts[company["shop"]].parent == units["production"].external_id
    assert accounts[ACCOUNT].parent == root.external_id
    assert {report(collected, name, "").outcome for name in TYPES} == {Outcome.COMPLETE}


def test_the_tree_is_walked_once(moto: Moto, company, aws_proxy):
    read(aws_proxy.url, *TYPES)
    asked = [call.operation for call in aws_proxy.calls]

    assert asked.count("DescribeOrganization") == asked.count("ListRoots") == 1
    assert asked.count("ListOrganizationalUnitsForParent") == asked.count("ListAccountsForParent") == 3


def test_a_policy_and_what_it_is_attached_to(moto: Moto, company):
    (policy,) = found(read(moto.url, "organization_policy"), "organization_policy").values()

    assert policy.name == "FullAWSAccess"
    assert json.loads(policy.attributes["Content"])["Statement"]
    assert {target["TargetId"] for target in policy.attributes["Targets"]} == {ACCOUNT, *company.values()}
    assert {link.type for link in policy.links} == {"attached_to"}


def test_an_account_without_an_organization(moto: Moto, aws_proxy):
    """AWS says in so many words that there is none."""
    collected = read(aws_proxy.url, *TYPES)

    assert {report(collected, name, "").outcome for name in TYPES} == {Outcome.COMPLETE}
    assert list(collected.all()) == []
    assert [call.operation for call in aws_proxy.calls].count("DescribeOrganization") == 1


def test_a_member_account_leaves_the_organization_to_its_management_account(moto: Moto, company):
    collected = read(moto.url, *TYPES, assume_role_name="Reader", accounts=[company["shop"]])
    reports = [collected.reports[Scope("aws", company["shop"], "", name)] for name in TYPES]

    assert {report.outcome for report in reports} == {Outcome.COMPLETE}
    assert list(collected.all()) == []


def test_a_delegated_administrator_reads_it_as_well(moto: Moto, company, aws_proxy):
    """As far as moto lets anybody but the management account look."""
    config = {"assume_role_name": "Reader", "accounts": [company["shop"]], "delegated_administrator": True}
    collected = read(aws_proxy.url, *TYPES, **config)

    assert "DescribeOrganization" in [call.operation for call in aws_proxy.calls]
    assert {resource.sub_type for _, resource in collected.all()} == {"organization", "organization_root"}


def test_identity_center_of_another_account_is_left_to_it(moto: Moto, company, aws_proxy):
    identity_center(moto)
    types = ("permission_set", "identity_center_user")
    collected = read(aws_proxy.url, *types, assume_role_name="Reader", accounts=[company["shop"]])

    assert {collected.reports[Scope("aws", company["shop"], REGION, name)].outcome for name in types} == {Outcome.COMPLETE}
    assert list(collected.all()) == []


@pytest.mark.parametrize(
    ("operation", "hit"),
    [
        ("ListRoots", set(TYPES) - {"organization"}),
        ("ListOrganizationalUnitsForParent", {"organizational_unit", "aws_account"}),
        ("ListAccountsForParent", {"aws_account"}),
    ],
)
def test_a_list_that_is_refused_is_denied_for_all_that_need_it(moto: Moto, company, aws_proxy, operation, hit):
    with aws_proxy.broken(lambda call: AwsReply(400, "AccessDeniedException") if call.operation == operation else None):
        collected = read(aws_proxy.url, *TYPES)

    assert {name for name in TYPES if report(collected, name, "").outcome is Outcome.DENIED} == hit
    assert {report(collected, name, "").permission for name in hit} == {f"organizations:{operation}"}


def identity_center(moto: Moto) -> tuple[str, str]:
    """The instance that moto has, with somebody in a group. Gives the ids of both."""
    sso, store = moto.client("sso-admin", REGION), moto.client("identitystore", REGION)
    instance = sso.list_instances()["Instances"][0]
    name = {"FamilyName": "Lee", "GivenName": "Ann"}
    where = {"IdentityStoreId": instance["IdentityStoreId"]}
    user = store.create_user(**where, UserName="ann", DisplayName="Ann Lee", Name=name)["UserId"]
    group = store.create_group(**where, DisplayName="engineers")["GroupId"]
    store.create_group_membership(**where, GroupId=group, MemberId={"UserId": user})
    made = sso.create_permission_set(InstanceArn=instance["InstanceArn"], Name="readers")["PermissionSet"]["PermissionSetArn"]
    sso.create_account_assignment(
        InstanceArn=instance["InstanceArn"], PermissionSetArn=made, TargetId=ACCOUNT, TargetType="AWS_ACCOUNT",
        PrincipalType="GROUP", PrincipalId=group,
    )  # fmt: skip
    sso.provision_permission_set(InstanceArn=instance["InstanceArn"], PermissionSetArn=made, TargetType="ALL_PROVISIONED_ACCOUNTS")
    return user, group


def test_who_may_do_what_through_identity_center(moto: Moto, aws_proxy):
    user, group = (f"arn:aws:identitystore:::{kind}/{id_}" for kind, id_ in zip(("user", "group"), identity_center(moto), strict=True))
    types = ("identity_center_instance", "permission_set", "account_assignment", "identity_center_user", "identity_center_group")
    with aws_proxy.broken(lambda call: TAGGED if call.operation == "ListTagsForResource" else None):
        collected = read(aws_proxy.url, *types, "identity_center_membership")
    (permission_set,) = found(collected, "permission_set").values()
    (assignment,) = found(collected, "account_assignment").values()
    (membership,) = found(collected, "identity_center_membership").values()

    assert permission_set.parent in found(collected, "identity_center_instance")
    assert permission_set.tags == {"team": "a"}
    assert set(found(collected, "identity_center_user")) == {user}
    assert set(membership.links) == {Link("has_member", user), Link("member_of", group)}
    assert set(assignment.links) == {Link("granted_to", group), Link("grants_role", permission_set.external_id)}
    assert [call.operation for call in aws_proxy.calls].count("ListInstances") == 1
    assert {report(collected, name).outcome for name in types} == {Outcome.COMPLETE}
