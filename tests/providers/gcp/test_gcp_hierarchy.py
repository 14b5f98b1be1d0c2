"""A job over an organization or folders: which projects it reads, and what it says of a folder that it cannot see."""

from __future__ import annotations

import pytest
from peers import google_refusals as refusals
from peers.google_cloud import PROJECTS
from recorder import Recorder

from providers.errors import ConfigError, Denied, Outcome
from providers.gcp.config import GcpConfig
from providers.runner import run
from providers.schema import parse

ONE, OTHER = PROJECTS
FOLDERS = {"organizations/7": ("41", "42"), "folders/41": ("43",), "folders/42": (), "folders/43": ()}
MANAGER = "//cloudresourcemanager.googleapis.com/"


@pytest.fixture(autouse=True)
def tree(company, google):
    """Organization 7 has the folders 41 and 42, 43 is in 41. One project is in 42, the other in 43."""
    company.enabled = ["serviceusage"]
    company.projects[ONE]["parent"], company.projects[OTHER]["parent"] = "folders/42", "folders/43"
    google.items |= {
        "cloudresourcemanager.organizations.get": {"name": "organizations/7", "displayName": "example.com", "state": "ACTIVE"},
        "cloudresourcemanager.folders.get": lambda call: _folder(call.path["name"].removeprefix("folders/"), "organizations/7"),
        "cloudresourcemanager.folders.list": lambda call: [_folder(one, call.query["parent"]) for one in FOLDERS[call.query["parent"]]],
    }


def _folder(number: str, parent: str) -> dict:
    return {"name": f"folders/{number}", "parent": parent, "displayName": f"Folder {number}", "state": "ACTIVE"}


def accounts(sink) -> set[str]:
    """What the job asks for, and the projects: the folders under it have scopes for their policies too."""
    return {scope.account for scope in sink.reports if scope.resource_type in ("gcp_folder", "gcp_project")}


def above(kind: str, answers: dict[str, list[dict]]):
    """The policies of folders and organizations, by their names; nothing elsewhere."""
    return lambda call: {kind: answers.get(call.path.get("resource", call.path.get("parent", "")), [])}


def test_an_organization_is_read_with_its_folders_and_every_project_under_them(read, google):
    sink = read(project_ids=None, organization_id="7")

    assert accounts(sink) == {"organizations/7", ONE, OTHER}
    found = {resource.external_id: resource for _, resource in sink.all() if resource.sub_type in ("gcp_folder", "gcp_organization")}
    assert set(found) == {f"{MANAGER}organizations/7", *(f"{MANAGER}folders/{one}" for one in (41, 42, 43))}
    assert found[f"{MANAGER}folders/43"].parent == f"{MANAGER}folders/41"
    [project] = [resource for _, resource in sink.all() if resource.external_id.endswith(f"projects/{OTHER}")]
    assert [link.target for link in project.links if link.type == "member_of"] == [f"{MANAGER}folders/43"]
    assert len(google.asked("cloudresourcemanager.folders.list")) == len(FOLDERS), "each folder is listed once"


@pytest.mark.parametrize(
    ("folders", "projects"), [(["41"], {OTHER}), (["42"], {ONE}), (["43", "41"], {OTHER}), (["41", "42"], {ONE, OTHER})]
)
def test_folders_are_read_with_what_is_under_them_and_nothing_else(read, folders, projects):
    assert accounts(read(project_ids=None, folder_ids=folders)) == {f"folders/{folders[0]}", *projects}


def test_policies_are_read_where_they_are_set_with_whom_they_name(read, google):
    viewer = {"role": "roles/viewer", "members": ["user:Dora@example.com", "group:audit@example.com", "domain:example.com"]}
    google.items |= {
        "cloudresourcemanager.organizations.getIamPolicy": above("bindings", {"organizations/7": [viewer]}),
        "cloudresourcemanager.folders.getIamPolicy": above("bindings", {"folders/43": [viewer]}),
        "orgpolicy.folders.policies.list": lambda call: (
            [{"name": f"{call.path['parent']}/policies/x"}] if "43" in call.path["parent"] else []
        ),
        "iam.policies.listPolicies": lambda call: [{"name": f"{call.path['parent']}/d"}] if "organizations" in call.path["parent"] else [],
    }
    sink = read(project_ids=None, organization_id="7")
    found = {resource.external_id: (scope.account, resource) for scope, resource in sink.all()}

    assert {report.outcome for scope, report in sink.reports.items() if "/" in scope.account} == {Outcome.COMPLETE}
    for place in ("organizations/7", "folders/43"):
        account, binding = found[f"{MANAGER}{place}/iamPolicy/bindings/roles/viewer"]
        assert (account, binding.parent) == (place, f"{MANAGER}{place}")
        assert {(link.type, link.target) for link in binding.links} == {
            ("grants_role", "//iam.googleapis.com/roles/viewer"),
            ("on_scope", f"{MANAGER}{place}"),
            ("granted_to", "principal://goog/subject/dora@example.com"),
            ("granted_to", "principalSet://goog/group/audit@example.com"),
        }
    assert found["principal://goog/subject/dora@example.com"][1].entity_type == "user"
    assert found["principalSet://goog/group/audit@example.com"][1].sub_type == "gcp_group"
    assert found["//orgpolicy.googleapis.com/folders/43/policies/x"][0] == "folders/43"
    name = "//iam.googleapis.com/policies/cloudresourcemanager.googleapis.com%2Forganizations%2F7/denypolicies/d"
    account, denial = found[name]
    assert (account, denial.parent) == ("organizations/7", f"{MANAGER}organizations/7")
    group, exempt = "principalSet://goog/group/contractors@example.com", f"//iam.googleapis.com/projects/-/serviceAccounts/sa0@{ONE}"
    assert ("denies", group) in {(link.type, link.target) for link in denial.links}
    assert [link.target for link in denial.links if link.type == "exempts"] == [f"{exempt}.iam.gserviceaccount.com"]
    assert group in found
    assert google.asked("cloudresourcemanager.folders.getIamPolicy")[0].body == {"options": {"requestedPolicyVersion": 3}}


def test_billing_accounts_are_those_of_the_organization_and_projects_are_linked_to_theirs(read, google, company):
    company.enabled = ["serviceusage", "cloudbilling"]
    google.page = 2
    google.items["cloudbilling.organizations.billingAccounts.list"] = [
        {"name": f"billingAccounts/{one}", "displayName": f"Account {one}", "open": True, "parent": "organizations/7", **more}
        for one, more in (("A", {}), ("B", {"masterBillingAccount": "billingAccounts/A"}), ("C", {}))
    ]
    google.items["cloudbilling.projects.getBillingInfo"] = lambda call: {
        "name": f"{call.path['name']}/billingInfo",
        "projectId": call.path["name"].removeprefix("projects/"),
        **({"billingAccountName": "billingAccounts/A", "billingEnabled": True} if ONE in call.path["name"] else {"billingAccountName": ""}),
    }
    sink = read(project_ids=None, organization_id="7")
    found = {resource.external_id: (scope.account, resource) for scope, resource in sink.all()}

    accounts = {key: value for key, (account, value) in found.items() if value.sub_type == "gcp_billing_account"}
    base = "//cloudbilling.googleapis.com/"
    assert {f"{base}billingAccounts/{one}" for one in "ABC"} == set(accounts)
    assert {found[one][0] for one in accounts} == {"organizations/7"}
    assert accounts[f"{base}billingAccounts/B"].parent == f"{MANAGER}organizations/7"
    assert [(link.type, link.target) for link in accounts[f"{base}billingAccounts/B"].links] == [("member_of", f"{base}billingAccounts/A")]
    billed = {project: [link.target for link in found[f"{base}projects/{project}/billingInfo"][1].links] for project in PROJECTS}
    assert billed == {ONE: [f"{base}billingAccounts/A"], OTHER: []}
    assert {call.path["parent"] for call in google.asked("cloudbilling.organizations.billingAccounts.list")} == {"organizations/7"}
    assert not [scope for scope in sink.reports if scope.resource_type == "gcp_billing_account" and scope.account != "organizations/7"]


@pytest.mark.parametrize(
    ("method", "permission", "sub_type", "account"),
    [
        ("cloudresourcemanager.folders.getIamPolicy", "resourcemanager.folders.getIamPolicy", "gcp_iam_binding", "folders/41"),
        ("cloudresourcemanager.organizations.getIamPolicy", "resourcemanager.organizations.getIamPolicy", "gcp_user", "organizations/7"),
        ("orgpolicy.folders.policies.list", "orgpolicy.policies.list", "gcp_org_policy", "folders/41"),
        ("cloudbilling.organizations.billingAccounts.list", "billing.accounts.list", "gcp_billing_account", "organizations/7"),
        ("iam.policies.get", "iam.denypolicies.get", "gcp_deny_policy", "folders/41"),
        ("iam.policies.listPolicies", "iam.denypolicies.list", "gcp_deny_policy", "organizations/7"),
    ],
)
def test_a_policy_above_projects_that_may_not_be_read_is_a_denied_scope_that_names_the_permission(
    read, google, method, permission, sub_type, account
):
    with google.failing(refusals.denied(permission), method):
        sink = read(project_ids=None, organization_id="7")

    denied = {(scope.resource_type, scope.account): report for scope, report in sink.reports.items() if report.outcome is Outcome.DENIED}
    assert denied[sub_type, account].permission == permission
    assert permission in denied[sub_type, account].message
    assert ("gcp_folder", "organizations/7") not in denied


def test_projects_are_left_out_of_an_organization_by_globs(read):
    assert accounts(read(project_ids=None, organization_id="7", exclude_projects=["another-*"])) == {"organizations/7", ONE}


def test_a_folder_that_may_not_be_listed_is_told_and_the_others_are_read(read, google):
    with google.failing(refusals.denied("resourcemanager.folders.list"), lambda call: call.query.get("parent") == "folders/41"):
        sink = read(project_ids=None, organization_id="7")

    [report] = [one for scope, one in sink.reports.items() if scope.resource_type == "gcp_folder"]
    assert (report.outcome, report.permission) == (Outcome.DENIED, "resourcemanager.folders.list")
    assert "folders/41" in report.message
    assert ONE in accounts(sink)


@pytest.mark.parametrize(
    ("method", "parent", "sub_type"),
    [
        ("cloudresourcemanager.organizations.get", None, "gcp_organization"),
        ("cloudresourcemanager.folders.list", "folders/41", "gcp_folder"),
    ],
)
def test_no_part_of_the_tree_is_gone_because_a_gateway_answers_in_googles_place(read, google, method, parent, sub_type):
    with google.failing(refusals.FOREIGN, lambda call: (call.id, call.query.get("parent")) == (method, parent)):
        sink = read(project_ids=None, organization_id="7")

    [report] = [one for scope, one in sink.reports.items() if scope.resource_type == sub_type]
    assert report.outcome is Outcome.ERROR
    assert "is not Google's: it has message" in report.message


def test_what_was_known_under_a_folder_that_may_not_be_listed_now_is_denied_and_not_left_out_of_the_plan(opened, google):
    first = Recorder()
    run(opened(project_ids=None, organization_id="7"), first)
    again, second = opened(project_ids=None, organization_id="7"), Recorder()
    with google.failing(refusals.denied("resourcemanager.folders.list"), lambda call: call.query.get("parent") == "folders/41"):
        run(again, second, attempted=tuple(first.reports))

    assert set(first.reports) <= set(second.reports)
    lost = [report for scope, report in second.reports.items() if scope.account == OTHER]
    assert {(report.outcome, report.permission) for report in lost} == {(Outcome.DENIED, "resourcemanager.folders.list")}


def test_a_connectivity_test_says_which_folder_may_not_be_listed(opened, google):
    failing = google.failing(refusals.denied("resourcemanager.folders.list"), "cloudresourcemanager.folders.list")
    with failing, pytest.raises(Denied, match="list the folders of folders/41") as refused:
        opened(project_ids=None, folder_ids=["41"]).check()
    assert refused.value.permission == "resourcemanager.folders.list"


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"organization_id": "example.com"}, "`organization_id`: 'example.com' is not a number"),
        ({"folder_ids": ["folders/42"]}, "`folder_ids`: 'folders/42' is not a number"),
        ({"folder_ids": ["42"], "project_ids": [ONE]}, "exclude each other"),
    ],
)
def test_what_does_not_fit_together_is_refused(config, sentence):
    with pytest.raises(ConfigError) as refused:
        parse(GcpConfig, config)
    assert sentence in str(refused.value.complaints)
