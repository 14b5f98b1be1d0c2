"""Whom bindings and deny policies name, and the bindings of a policy."""

from __future__ import annotations

import pytest

from providers.errors import Outcome
from providers.gcp import bindings, principals
from providers.records import Incomplete

ACCOUNT = "//iam.googleapis.com/projects/-/serviceAccounts/sa@p.iam.gserviceaccount.com"
POOL = "//iam.googleapis.com/projects/12/locations/global/workloadIdentityPools/pool"


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ("user:Alice@example.com", "principal://goog/subject/alice@example.com"),
        ("group:ops@example.com", "principalSet://goog/group/ops@example.com"),
        ("serviceAccount:sa@p.iam.gserviceaccount.com", ACCOUNT),
        ("serviceAccount:p.svc.id.goog[web/front]", ""),
        ("deleted:user:alice@example.com?uid=1", ""),
        ("domain:example.com", ""),
        ("allUsers", ""),
        ("projectOwners", ""),
        ("principal://goog/subject/Alice@example.com", "principal://goog/subject/alice@example.com"),
        ("principalSet://goog/group/ops@example.com", "principalSet://goog/group/ops@example.com"),
        ("principalSet://goog/public:all", ""),
        (f"principal:{ACCOUNT}", ACCOUNT),
        (f"principalSet:{POOL}/attribute.repository/org/repo", POOL),
        (f"principal:{POOL}/subject/x", POOL),
        ("deleted:principal://goog/subject/alice@example.com?uid=1", ""),
    ],
)
def test_a_member_is_a_user_a_group_a_service_account_a_pool_or_no_single_resource(member, expected):
    assert principals.identifier(member) == expected


def test_an_access_list_of_a_dataset_is_bindings_of_the_roles_that_its_basic_ones_stand_for():
    access = [
        {"role": "READER", "userByEmail": "alice@example.com"},
        {"role": "READER", "userByEmail": "sa@p.iam.gserviceaccount.com"},
        {"role": "roles/bigquery.dataViewer", "groupByEmail": "ops@example.com"},
        {"role": "OWNER", "specialGroup": "projectOwners"},
        {"role": "roles/x", "iamMember": "domain:example.com", "condition": {"title": "t", "expression": "e"}},
        {"view": {"projectId": "p", "datasetId": "d", "tableId": "t"}},
    ]
    found = {item["label"]: item["members"] for item in bindings.items({"access": access})}

    assert found == {
        "roles/bigquery.dataViewer": ["group:ops@example.com", "serviceAccount:sa@p.iam.gserviceaccount.com", "user:alice@example.com"],
        "roles/bigquery.dataOwner": ["projectOwners"],
        "roles/x if t": ["domain:example.com"],
    }


def test_what_could_not_be_read_of_policies_may_have_named_users_and_groups_too():
    lost = Incomplete("gcp_secret_binding", Outcome.DENIED, "no", "secretmanager.secrets.getIamPolicy")
    other = Incomplete("gcp_secret", Outcome.TIMEOUT, "no")
    found = list(principals.named([lost, other], ("gcp_secret_binding",), "gcp"))

    assert [(one.resource_type, one.outcome) for one in found] == [
        ("gcp_secret_binding", Outcome.DENIED),
        ("gcp_user", Outcome.DENIED),
        ("gcp_group", Outcome.DENIED),
        ("gcp_secret", Outcome.TIMEOUT),
    ]
