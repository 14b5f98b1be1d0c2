"""The text that a person copies to grant missing permissions: exactly these, in the vendor's form, made from the provider's declarations."""

from __future__ import annotations

import json
import shlex

import pytest

from providers import registry
from providers.aws.failure import RULES
from providers.errors import Denied
from providers.http.response import HttpResponse
from providers.kubernetes.refusal import explain

PERMITTED = {
    name: sorted(
        {
            permission
            for kind in registry.get(name).resource_types()
            for permission in kind.permissions
            if registry.get(name).can_grant(permission)
        }
    )
    for name in registry.BUILT_IN
}


def gcp(text: str) -> list[str]:
    words = shlex.split(text)
    assert words[:4] == ["gcloud", "iam", "roles", "update"]
    return words[-1].removeprefix("--add-permissions=").split(",")


def kubernetes(text: str) -> list[str]:
    rules = json.loads(text)["rules"]
    assert all(rule["verbs"] == ["list"] for rule in rules)
    return [
        f"list {plural}" + (f".{group}" if group else "") for rule in rules for group in rule["apiGroups"] for plural in rule["resources"]
    ]


READINGS = {
    "aws": lambda text: json.loads(text)["Statement"][0]["Action"],
    "azure": lambda text: json.loads(text)["Actions"],
    "gcp": gcp,
    "kubernetes": kubernetes,
    "google_workspace": lambda text: text.split(",\n"),
}
"""Permissions in a text, by provider; in the others' texts each is a line."""


@pytest.mark.parametrize("name", sorted(name for name, permitted in PERMITTED.items() if permitted))
def test_a_text_grants_exactly_what_it_is_asked_for(name):
    provider, read = registry.get(name), READINGS.get(name, str.splitlines)

    assert sorted(read(provider.grant(PERMITTED[name]))) == PERMITTED[name]
    for permission in PERMITTED[name]:
        assert read(provider.grant([permission])) == [permission]


@pytest.mark.parametrize("name", sorted({*registry.BUILT_IN} - {"ldap"}))
def test_every_provider_whose_source_names_permissions_grants_them_and_says_how(name):
    declared = {permission for kind in registry.get(name).resource_types() for permission in kind.permissions}
    tenant_wide = {one for one in declared if name == "azure" and one.startswith(("Microsoft.Management/", "Microsoft.Resources/tenants/"))}

    assert {*PERMITTED[name]} == declared - {"list *"} - tenant_wide
    assert registry.get(name).grant_advice.endswith(".")


@pytest.mark.parametrize("name", registry.BUILT_IN)
@pytest.mark.parametrize(
    "invented", ["*", "", "iam:*", "list *", "list *.*", "*/read", "list secrets.*", "delete pods", "x; rm -rf", 'a"b', "list a b"]
)
def test_no_text_has_what_a_source_makes_up(name, invented):
    assert not registry.get(name).can_grant(invented)


def test_aws_policies_grant_what_no_other_policy_forbids():
    denials = {
        rule.name: rule.sentence.format(what="ec2:DescribeVpcs", where="", code="X", policy="") for rule in RULES if rule.error is Denied
    }

    assert {name for name, sentence in denials.items() if not registry.get("aws").is_withheld(sentence)} == {"missing"}


def test_a_permission_of_folders_is_granted_by_a_role_of_the_organization():
    assert "--organization=" in registry.get("gcp").grant(["resourcemanager.folders.list"])
    assert "--project=" in registry.get("gcp").grant(["compute.instances.list"])


def test_what_nobody_may_do_is_not_granted_to_everybody():
    said = {"kind": "Status", "message": 'pods is forbidden: User "system:anonymous" cannot list resource "pods"', "code": 403}
    answer = HttpResponse(403, {}, json.dumps(said).encode(), "https://api/")

    assert registry.get("kubernetes").is_withheld(str(explain(answer, "list pods")))
    assert not registry.get("kubernetes").is_withheld("the API server refuses to list pods (403): no")


@pytest.mark.parametrize("name", ["aws", "azure", "gcp", "okta"])
def test_the_declarations_are_not_looked_through_again_for_each_run(monkeypatch, name):
    provider = registry.get(name)
    provider.can_grant("x")
    monkeypatch.setattr(type(provider), "resource_types", None)

    assert not provider.can_grant("x")
