"""The provider gcp over Google's contract: pages, identity, links, partial success, outcomes by scope."""

from __future__ import annotations

import pytest
from gcp_population import populated
from peers import google_refusals as refusals
from peers.google_cloud import CANARY, NOT_VISIBLE, PROJECTS, in_project, link

from providers import runner
from providers.errors import ConfigError, CredentialsError, Denied, Outcome, Unsupported

ONE, OTHER = PROJECTS
COMPUTE = f"//compute.googleapis.com/projects/{ONE}"


def outcome(sink, sub_type: str, project: str = ONE):
    [report] = [r for scope, r in sink.reports.items() if (scope.account, scope.resource_type) == (project, sub_type)]
    return report


def one(sink, sub_type: str, name: str, project: str = ONE):
    [found] = [r for s, r in sink.all() if (s.account, r.sub_type, r.name) == (project, sub_type, name)]
    return found


def _counts(sink, project: str) -> dict[tuple[str, str], int]:
    """What every scope of a project had; users and groups have several scopes, told apart by their coverage."""
    return {(s.resource_type, s.coverage): report.resources for s, report in sink.reports.items() if s.account == project}


def test_everything_is_read_to_the_last_page_in_every_project(read, google):
    sink = read()

    counts, of_the_other = _counts(sink, ONE), _counts(sink, OTHER)
    assert counts == of_the_other
    assert [counts[one, ""] for one in ("gce_instance", "gcs_bucket", "gcp_service_account_key", "gcp_iam_binding")] == [8, 5, 8, 4]
    assert counts["gcp_group", "named by policies of gcp_iam_binding"] == 1
    assert {call.query.get("maxResults") for call in google.asked("compute.instances.aggregatedList")} == {"500"}
    assert {call.query.get("pageSize") for call in google.asked("iam.projects.serviceAccounts.list")} == {"100"}
    assert {call.query.get("returnPartialSuccess") for call in google.asked("compute.instances.aggregatedList")} == {"true"}
    assert len(google.asked("compute.instances.aggregatedList")) == 2 * 3
    assert len(google.asked("token")) == 1


def test_page_size_is_what_is_asked_for_within_what_google_allows(read, google):
    google.page = 100
    read(project_ids=[ONE], page_size=200)

    assert google.asked("compute.networks.list")[0].query["maxResults"] == "200"
    assert google.asked("storage.buckets.list")[0].query["maxResults"] == "200"
    assert google.asked("iam.projects.serviceAccounts.list")[0].query["pageSize"] == "100"


def test_an_instance_has_its_name_as_identity_its_links_region_and_labels_and_no_metadata_values(read):
    sink = read(project_ids=[ONE])
    [vm] = [r for _, r in sink.all() if r.external_id == f"{COMPUTE}/zones/us-central1-a/instances/vm1"]

    assert (vm.entity_type, vm.sub_type, vm.name, vm.region) == ("compute", "gce_instance", "vm1", "us-central1")
    assert vm.tags == {"env": "prod"}
    assert {(found.type, found.target) for found in vm.links} == {
        ("in_vpc", f"{COMPUTE}/global/networks/net0"),
        ("in_subnet", f"{COMPUTE}/regions/us-central1/subnetworks/sub0"),
        ("uses_disk", f"{COMPUTE}/zones/us-central1-a/disks/disk1"),
        ("runs_as", f"//iam.googleapis.com/projects/-/serviceAccounts/sa0@{ONE}.iam.gserviceaccount.com"),
    }
    assert vm.parent == f"//cloudresourcemanager.googleapis.com/projects/{ONE}"
    assert vm.organization == f"gcp:{ONE}"
    assert vm.attributes["id"] == "8000000000000000001"
    assert vm.attributes["deletionProtection"] is False
    assert vm.attributes["metadata"] == {"items": ["enable-oslogin", "startup-script"]}
    assert vm.attributes["networkInterfaces"][0]["networkIP"] == "10.0.0.1"
    assert CANARY not in str(list(sink.all()))
    assert "ingerprint" not in str(vm.attributes)


def test_links_point_at_what_is_there(read):
    sink = read()
    known = {resource.external_id for _, resource in sink.all()}
    made_up = {kind.sub_type for kind in populated()}  # of words, and so are their links
    dangling = {
        found for _, r in sink.all() if r.sub_type not in {*made_up, "gke_node_pool"} for found in r.links if found.target not in known
    }

    assert {found.type for found in dangling} == {"grants_role", "member_of"}, dangling  # Google's own roles, and the folder above
    assert {r.parent for _, r in sink.all()} <= known | {""}


def test_bindings_have_conditions_roles_and_the_service_accounts_that_are_some(read, google):
    sink = read(project_ids=[ONE])
    plain, conditional = one(sink, "gcp_iam_binding", "roles/viewer"), one(sink, "gcp_iam_binding", "roles/viewer if office hours")

    assert plain.external_id.endswith(f"projects/{ONE}/iamPolicy/bindings/roles/viewer")
    assert conditional.external_id.startswith(f"{plain.external_id}?condition=")
    assert conditional.attributes["condition"]["title"] == "office hours"
    reader = f"//iam.googleapis.com/projects/-/serviceAccounts/sa0@{ONE}.iam.gserviceaccount.com"
    assert [found.target for found in plain.links if found.type == "granted_to"] == [reader]
    custom = one(sink, "gcp_iam_binding", f"projects/{ONE}/roles/custom0")
    assert {found.type for found in custom.links} == {"grants_role", "on_scope"}
    assert custom.external_id == f"//cloudresourcemanager.googleapis.com/projects/{ONE}/iamPolicy/bindings/projects/{ONE}/roles/custom0"
    assert {plain.parent, conditional.parent, custom.parent} == {f"//cloudresourcemanager.googleapis.com/projects/{ONE}"}
    assert one(sink, "gcp_iam_role", "Custom 0").external_id in {found.target for found in custom.links}
    assert google.asked("cloudresourcemanager.projects.getIamPolicy")[0].body == {"options": {"requestedPolicyVersion": 3}}


def test_two_bindings_of_one_role_and_condition_are_one(read, company):
    company.policy[ONE]["bindings"].append({"role": "roles/owner", "members": ["user:bob@example.com"]})
    owner = one(read(project_ids=[ONE]), "gcp_iam_binding", "roles/owner")

    assert owner.attributes["members"] == ["group:ops@example.com", "user:alice@example.com", "user:bob@example.com"]


def test_organizations_are_gcp_and_its_projects(read):
    sink = read()

    assert {(o.external_id, o.name, o.parent) for o in sink.tree.values()} == {
        ("gcp", "GCP", ""),
        (f"gcp:{ONE}", f"GCP Project: {ONE}", "gcp"),
        (f"gcp:{OTHER}", f"GCP Project: {OTHER}", "gcp"),
    }


def test_a_zone_that_cannot_be_reached_makes_the_list_incomplete_and_what_came_is_kept(read, google):
    google.extra["compute.instances.aggregatedList"] = {"unreachables": ["zones/us-west1-b"]}
    report = outcome(read(), "gce_instance")

    assert (report.outcome, report.resources) == (Outcome.TIMEOUT, 8)
    assert "zones/us-west1-b" in report.message


@pytest.mark.parametrize(
    ("method", "sub_type", "extra"),
    [
        ("compute.disks.aggregatedList", "gce_disk", {"warning": {"code": "PARTIAL_SUCCESS", "message": "some results are missing"}}),
        ("compute.networks.list", "gcp_network", {"warning": {"code": "UNREACHABLE", "message": "the global scope"}}),
        ("storage.buckets.list", "gcs_bucket", {"unreachable": ["projects/_/buckets/far-away"]}),
    ],
)
def test_partial_success_of_every_kind_reaches_the_ledger(read, google, method, sub_type, extra):
    google.extra[method] = extra
    report = outcome(read(project_ids=[ONE]), sub_type)

    assert report.outcome in (Outcome.TIMEOUT, Outcome.ERROR)
    assert report.resources > 0
    assert any(word in report.message for word in ("some results are missing", "the global scope", "far-away"))


def test_a_warning_inside_one_zone_counts_and_a_deprecation_does_not(read, google):
    google.items["compute.routers.aggregatedList"] = {"regions/far": {"warning": {"code": "UNREACHABLE", "message": "no"}}}
    google.items["compute.disks.aggregatedList"] = {"zones/old": {"warning": {"code": "DEPRECATED_TYPE_USED", "message": "no"}}}
    sink = read(project_ids=[ONE])

    assert outcome(sink, "gcp_router").outcome == Outcome.TIMEOUT
    assert "regions/far" in outcome(sink, "gcp_router").message
    assert outcome(sink, "gce_disk").outcome == Outcome.COMPLETE


@pytest.mark.parametrize(
    ("method", "sub_type"),
    [
        ("compute.instances.aggregatedList", "gce_instance"),
        ("storage.buckets.list", "gcs_bucket"),
        ("iam.projects.roles.list", "gcp_iam_role"),
        ("cloudresourcemanager.projects.getIamPolicy", "gcp_iam_binding"),
    ],
)
@pytest.mark.parametrize(
    ("refusal", "expected", "words"),
    [
        (refusals.disabled("some.googleapis.com"), Outcome.UNSUPPORTED, "some.googleapis.com is not enabled in projects/1"),
        (refusals.denied("the.needed.permission"), Outcome.DENIED, "the.needed.permission"),
        (NOT_VISIBLE, Outcome.DENIED, "is missing"),
        (refusals.throttled("userRateLimitExceeded"), Outcome.THROTTLED, "userRateLimitExceeded"),
        (refusals.throttled("quotaExceeded"), Outcome.THROTTLED, "quotaExceeded"),
        (refusals.throttled("rateLimitExceeded", 429), Outcome.THROTTLED, "slow down"),
        (refusals.BROKEN, Outcome.TIMEOUT, "500"),
        (refusals.CUT, Outcome.TIMEOUT, "no whole answer"),
    ],
    ids=lambda value: getattr(value, "reason", None),
)
def test_a_refusal_is_an_outcome_of_its_scope_alone_whichever_way_the_api_is_read(
    opened, google, method, sub_type, refusal, expected, words
):
    reads = {read.scopes[0].resource_type: read for read in opened(project_ids=[ONE], parallel_projects=1).plan()}
    with google.failing(refusal, in_project(ONE, method)), pytest.raises(Exception) as caught:
        list(reads[sub_type].fetch())

    assert caught.value.outcome == expected
    assert words in str(caught.value)
    if expected is Outcome.DENIED:
        assert caught.value.permission
        assert caught.value.permission in str(caught.value)


@pytest.mark.parametrize("method", ["compute.instances.aggregatedList", "storage.buckets.list", "iam.projects.serviceAccounts.list"])
def test_a_throttle_is_waited_out_by_one_policy(read, google, method):
    with google.failing(refusals.THROTTLED, in_project(ONE, method), times=3):
        sink = read(project_ids=[ONE])

    assert {report.outcome for report in sink.reports.values()} == {Outcome.COMPLETE}


def test_a_page_token_that_expires_under_way_begins_the_list_anew(read, google):
    def second_page(call):
        return call.id == "compute.instances.aggregatedList" and "pageToken" in call.query

    with google.failing(refusals.STALE_PAGE, second_page, times=1):
        report = outcome(read(project_ids=[ONE]), "gce_instance")

    assert (report.outcome, report.resources) == (Outcome.COMPLETE, 8)


@pytest.mark.parametrize(
    ("method", "sub_type", "field"),
    [
        ("compute.networks.list", "gcp_network", "items"),
        ("storage.buckets.list", "gcs_bucket", "items"),
        ("iam.projects.roles.list", "gcp_iam_role", "roles"),
    ],
)
def test_pages_that_lead_in_a_circle_end(read, google, method, sub_type, field):
    google.items[method] = lambda _call: {field: [], "nextPageToken": "again"}
    report = outcome(read(project_ids=[ONE]), sub_type)

    assert report.outcome == Outcome.ERROR
    assert "circle" in report.message


def test_one_account_whose_keys_may_not_be_listed_leaves_the_others_and_one_that_is_gone_is_nothing(read, google):
    def keys_of(number):
        return lambda call: call.id == "iam.projects.serviceAccounts.keys.list" and f"/sa{number}@" in call.path["name"]

    with google.failing(refusals.denied("iam.serviceAccountKeys.list"), keys_of(1)), google.failing(refusals.NOT_FOUND, keys_of(2)):
        sink = read(project_ids=[ONE])
    report = outcome(sink, "gcp_service_account_key")

    assert (report.outcome, report.resources, report.permission) == (Outcome.DENIED, 4, "iam.serviceAccountKeys.list")
    assert outcome(sink, "gcp_service_account").outcome == Outcome.COMPLETE


# Projects


def test_without_project_ids_every_project_that_is_visible_is_read(read, company, google):
    for number in range(4):
        company.projects[f"more-project-{number}"] = {
            **company.projects[ONE],
            "projectId": f"more-project-{number}",
            "name": f"projects/9{number}",
        }
    for table in (company.accounts, company.policy):
        table.update(dict.fromkeys(company.projects, table[ONE]))
    google.items["serviceusage.services.list"] = []
    google.items["storage.buckets.list"] = []
    sink = read(project_ids=None, parallel_projects=4)

    assert {scope.account for scope in sink.reports} == set(company.projects)
    assert google.asked("cloudresourcemanager.projects.search")[0].query == {"pageSize": "500"}
    assert not google.asked("cloudresourcemanager.projects.get")


def test_only_the_projects_asked_for_are_read(read):
    assert {scope.account for scope in read(project_ids=[OTHER]).reports} == {OTHER}


def test_a_project_that_is_not_visible_is_a_denied_scope(read):
    sink = read(project_ids=["no-such-project", ONE])
    report = outcome(sink, "*", "no-such-project")

    assert (report.outcome, report.permission) == (Outcome.DENIED, "resourcemanager.projects.get")
    assert "no-such-project does not exist, or is not visible to reader@" in report.message
    assert outcome(sink, "gce_instance").outcome == Outcome.COMPLETE


def test_a_test_of_the_connection_names_projects_that_are_not_visible(opened, google):
    assert runner.test(opened(project_ids=[ONE, OTHER])).account
    with pytest.raises(ConfigError, match="`project_ids`: project no-such-project does not exist, or is not visible"):
        runner.test(opened(project_ids=[ONE, "no-such-project"]))


def test_a_project_that_is_being_deleted_is_gone_by_the_sources_own_word_with_all_that_it_had(read, company, google):
    before = {scope for scope in read().reports if scope.account == OTHER}
    company.projects[OTHER] |= {"state": "DELETE_REQUESTED"}
    google.calls.clear()
    sink = read()

    reports = {scope: report for scope, report in sink.reports.items() if scope.account == OTHER}
    assert before <= set(reports)
    assert {(report.outcome, report.gone) for report in reports.values()} == {(Outcome.COMPLETE, True)}
    assert all("is being deleted (DELETE_REQUESTED)" in report.message for report in reports.values())
    assert not [call for call in google.calls if call.path.get("project") == OTHER]
    assert outcome(sink, "gcp_project").gone is False


def test_a_project_whose_resource_manager_is_off_is_read_all_the_same(read, google):
    with google.failing(refusals.disabled("cloudresourcemanager.googleapis.com"), "cloudresourcemanager.projects.get"):
        sink = read(project_ids=[ONE])

    assert outcome(sink, "gcp_project").outcome == Outcome.UNSUPPORTED
    assert outcome(sink, "gce_instance").resources == 8


def test_nothing_visible_is_not_an_empty_success(read, company):
    company.projects.clear()
    with pytest.raises(Denied, match="no project is visible"):
        read(project_ids=None)
    with pytest.raises(Denied, match="does not exist, or is not visible"):
        read(project_ids=[ONE])


def test_the_search_that_is_off_ends_the_run_with_what_to_do(read, google):
    with (
        google.failing(refusals.disabled("cloudresourcemanager.googleapis.com"), "cloudresourcemanager.projects.search"),
        pytest.raises(Unsupported, match=r"cloudresourcemanager\.googleapis\.com is not enabled in projects/1"),
    ):
        read(project_ids=None)


def test_projects_are_read_so_many_at_once(read, google):
    read(parallel_projects=1)
    order = [call.path["project"] for call in google.calls if call.id.startswith("compute.")]

    assert order == sorted(order, key=PROJECTS.index)


# Who we are


def test_check_says_who_we_are(opened):
    identity = opened().check()

    assert (identity.name, identity.account) == (f"reader@{ONE}.iam.gserviceaccount.com", ONE)
    assert identity.details == {"project": ONE}


def test_a_token_that_ends_under_way_is_renewed(read, google):
    google.tokens.lifetime = 3599
    used = []

    def forget_once(call):
        if call.id == "compute.disks.aggregatedList" and not used:
            used.append(call)
            google.tokens.forget()
        return False

    with google.failing(refusals.BROKEN, forget_once):
        sink = read(project_ids=[ONE])

    assert {report.outcome for report in sink.reports.values()} == {Outcome.COMPLETE}
    assert len(google.asked("token")) >= 2


def test_a_deleted_account_says_what_to_do(read, google):
    with google.failing(refusals.ACCOUNT_GONE, "token"), pytest.raises(CredentialsError, match="make a key of another one"):
        read()


def test_a_links_host_and_version_do_not_matter():
    from providers.gcp.shape import full_name

    wanted = f"{COMPUTE}/zones/z/disks/d"
    assert full_name(link(ONE, "zones/z/disks/d")) == wanted
    assert full_name(f"https://compute.googleapis.com/compute/beta/projects/{ONE}/zones/z/disks/d") == wanted
    assert full_name(f"https://localhost:1/compute/v1/projects/{ONE}/zones/z/disks/d") == wanted
    assert full_name(f"projects/{ONE}/x") == f"projects/{ONE}/x"
