"""IAM policies of projects, folders, organizations and single resources; deny policies and organization policies."""

from __future__ import annotations

from typing import Any

from providers.catalogue.kinds import LinkRule
from providers.gcp.bindings import BODY
from providers.gcp.declaration import GcpKind
from providers.gcp.types.texts import PRINCIPAL

ORG_POLICY, MANAGER, IAM = "orgpolicy.googleapis.com", "cloudresourcemanager.googleapis.com", "iam.googleapis.com"

VERSION = {"options.requestedPolicyVersion": "3"}


def _bindings(sub_type: str, of: str, method: str, address: str, **more: Any) -> GcpKind:
    """The bindings of an IAM policy; `of` is the text of the id of what it is the policy of."""
    links = (
        LinkRule("grants_role", "role", f"//{IAM}/{{value}}"),
        LinkRule("on_scope", "role", of),
        LinkRule("granted_to", "members[]", PRINCIPAL),
    )
    return GcpKind(
        *(sub_type, "permission", f"{of}/iamPolicy/bindings/{{role}}{{suffix?}}", method, more.pop("items", "bindings[]")),
        **{
            "name": "label",
            "tags": "",
            "size_parameter": "",
            "address": address,
            "parent": of,
            "links": links,
            "omit": ("suffix", "label"),
            "policy": True,
            "names_principals": True,
            **more,
        },
    )


# fmt: off
BINDING = _bindings(
    "gcp_iam_binding", f"//{MANAGER}/{{resource}}", "cloudresourcemanager.projects.getIamPolicy", f"{MANAGER}/v3/{{resource}}:getIamPolicy",
    body=BODY, above=("cloudresourcemanager.folders.getIamPolicy", "cloudresourcemanager.organizations.getIamPolicy"),
)

KINDS: tuple[GcpKind, ...] = (
    GcpKind(
        "gcp_org_policy", "policy", f"//{ORG_POLICY}/{{name}}", "orgpolicy.projects.policies.list", "policies[]", tags="",
        address=f"{ORG_POLICY}/v2/{{resource}}/policies", permission="orgpolicy.policies.list", parent=f"//{MANAGER}/{{resource}}",
        above=("orgpolicy.folders.policies.list", "orgpolicy.organizations.policies.list"),
    ),
    GcpKind(
        "gcp_deny_policy_name", "policy", "{name}", "iam.policies.listPolicies", "policies[]", tags="", hidden=True,
        address=f"{IAM}/v2/policies/{{attached}}/denypolicies", permission="iam.denypolicies.list", largest=1000, encoded=True,
        above=("iam.policies.listPolicies",),
    ),
    GcpKind(
        "gcp_deny_policy", "policy", f"//{IAM}/{{name}}", "iam.policies.get", "", name="displayName", tags="", size_parameter="",
        address=f"{IAM}/v2/{{parent.name}}", under="gcp_deny_policy_name", parent=f"//{MANAGER}/{{resource}}", encoded=True,
        permission="iam.denypolicies.get", names_principals=True,
        links=(
            LinkRule("on_scope", "name", f"//{MANAGER}/{{resource}}"),
            LinkRule("denies", "rules[].denyRule.deniedPrincipals[]", PRINCIPAL),
            LinkRule("exempts", "rules[].denyRule.exceptionPrincipals[]", PRINCIPAL),
        ),
    ),
    _bindings(
        "gcs_bucket_binding", "{parent}", "storage.buckets.getIamPolicy", "storage.googleapis.com/storage/v1/b/{parent.name}/iam",
        under="gcs_bucket", parameters={"optionsRequestedPolicyVersion": "3"},
    ),
    _bindings(
        "gcp_bigquery_dataset_binding", "{parent}", "bigquery.datasets.get",
        "bigquery.googleapis.com/bigquery/v2/projects/{project}/datasets/{parent.datasetReference.datasetId}",
        items="access[]", under="gcp_bigquery_dataset", parameters={"accessPolicyVersion": "3", "datasetView": "ACL"},
        permission="bigquery.datasets.getIamPolicy",
    ),
    _bindings(
        "gcp_secret_binding", "{parent}", "secretmanager.projects.secrets.getIamPolicy",
        "secretmanager.googleapis.com/v1/{parent.name}:getIamPolicy", under="gcp_secret", parameters=VERSION,
    ),
    _bindings(
        "gcp_kms_key_ring_binding", "{parent}", "cloudkms.projects.locations.keyRings.getIamPolicy",
        "cloudkms.googleapis.com/v1/{parent.name}:getIamPolicy", under="gcp_kms_key_ring", parameters=VERSION,
    ),
    _bindings(
        "gcp_kms_key_binding", "{parent}", "cloudkms.projects.locations.keyRings.cryptoKeys.getIamPolicy",
        "cloudkms.googleapis.com/v1/{parent.name}:getIamPolicy", under="gcp_kms_key", parameters=VERSION,
        permission="cloudkms.cryptoKeys.getIamPolicy",
    ),
    _bindings(
        "gcp_service_account_binding", "{parent}", "iam.projects.serviceAccounts.getIamPolicy",
        f"{IAM}/v1/{{parent.name}}:getIamPolicy", under="gcp_service_account", parameters=VERSION, body={},
    ),
)
