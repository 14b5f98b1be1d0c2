"""The catalogue against Google's own description: its discovery documents, and a list of its IAM permissions."""

from __future__ import annotations

import re
from typing import ClassVar

import msgspec
import pytest
from catalogue_suite import CatalogueSuite
from gcp_description import CONTEXT, GcpDescription, documented, item_schema, method_of
from peers import google_documents as documents
from peers import google_permissions

from providers.gcp import catalogue, lean
from providers.gcp.catalogue import ALL, BILLING_ACCOUNT, BINDING, FOLDER, KINDS, ORGANIZATION, PROJECT
from providers.gcp.compute import service_and_method
from providers.google.answers import UNREACHABLE

READ_BY_HAND = (ORGANIZATION, FOLDER, BILLING_ACCOUNT, PROJECT, BINDING)
EACH = pytest.mark.parametrize("kind", (*READ_BY_HAND, *ALL), ids=lambda kind: kind.sub_type)


class TestCatalogue(CatalogueSuite):
    """Every word of the catalogue."""

    kinds = (*READ_BY_HAND, *KINDS)
    description: ClassVar = GcpDescription()
    context = CONTEXT
    listing_words = ("method", "items", "address", "under", "size_parameter")
    resource_types = catalogue.resource_types()
    permissions_from = "tests/providers/gcp/permissions.txt"


def test_every_word_of_a_list_that_is_read_for_what_is_under_it_is_googles_too():
    suite = TestCatalogue()
    assert [fault for kind in ALL if kind.hidden for fault in suite.faults(kind)] == []


@EACH
def test_labels_are_not_forgotten(kind):
    if not kind.hidden:
        assert ("labels" in item_schema(kind)[1]["properties"]) == (kind.tags == "labels")


@EACH
def test_what_an_answer_says_is_missing_is_carried_into_the_ledger(kind):
    """A list of places that did not answer has one of the names that are looked for, whatever the API calls it."""
    for method in () if kind.is_inline or kind.address.endswith("getIamPolicy") else kind.methods:
        found = documented(method) if method in kind.also else method_of(kind)
        answer = documents.schema(found.api, found.response)
        lists = {name for name, inner in answer["properties"].items() if inner.get("type") == "array"}
        known = {kind.items.removesuffix("[]"), "items", "warnings", *UNREACHABLE}
        assert not {name for name in lists - known if re.search("fail|miss|reach|warn|error", name, re.IGNORECASE)}, lists - known


@EACH
def test_a_list_of_all_zones_may_be_partial_and_pages_are_as_large_as_may_be(kind):
    for name in kind.methods if kind.api == "compute" and not kind.address else ():
        method = documented(name)
        assert ("returnPartialSuccess" in method.query) >= name.endswith(".aggregatedList")
        assert "inclusive. (Default: `500`)" in method.own["maxResults"]["description"]
        service, call = service_and_method(name)
        assert lean.messages(lean._folder(), service, call)[0] == lean.request_name(service, call)


@EACH
def test_case_gcp_4_every_permission_is_a_real_one_and_the_one_that_its_method_takes(kind):
    for method in kind.every_method:
        permission, documented_one = kind.permission_for(method), google_permissions.of_method(method)
        line = f"`{permission}  {method}`, if the method's reference page says so"
        assert permission in google_permissions.known(), f"{permission} is not in tests/providers/gcp/permissions.txt: add {line}"
        assert documented_one, f"tests/providers/gcp/permissions.txt does not say what {method} takes: let a line be {line}"
        assert permission == documented_one, f"{method} takes {documented_one}: declare it as `permission`"


@pytest.mark.parametrize(
    ("method", "permission"),
    [
        ("run.projects.locations.services.list", "run.services.list"),
        ("redis.projects.locations.instances.list", "redis.instances.list"),
        ("secretmanager.projects.secrets.list", "secretmanager.secrets.list"),
        ("appengine.apps.services.list", "appengine.services.list"),
        ("dataproc.projects.regions.clusters.list", "dataproc.clusters.list"),
        ("compute.instances.aggregatedList", "compute.instances.list"),
        ("iam.projects.roles.list", "iam.roles.list"),
    ],
)
def test_case_gcp_4_a_permission_is_named_like_the_method_without_projects_and_locations(method, permission):
    kind = msgspec.structs.replace(KINDS[0], method=method, permission="")

    assert kind.permission_for(method) == permission
    assert permission in google_permissions.known()


def test_a_location_is_asked_for_at_the_host_that_google_documents_for_it():
    """Vertex AI answers for a region at the region's host, and for all of the EU or the US at one more."""
    regional = [kind for kind in ALL if kind.regional]
    endpoints = documents.document("aiplatform.v1")["endpoints"]
    assert {kind.api for kind in regional} == {"aiplatform"} and len(endpoints) > 40
    documented_hosts = {(one["location"], one["endpointUrl"]) for one in endpoints if "preprod" not in one["endpointUrl"]}
    assert {(place, f"https://{regional[0].host_in(place)}/") for place, _ in documented_hosts} == documented_hosts
    assert regional[0].host_in("global") == "aiplatform.googleapis.com"


def test_what_the_code_reads_beside_the_catalogue_exists_too():
    manager = documents.document("cloudresourcemanager.v3")["schemas"]
    assert {"name", "projectId", "parent", "state", "labels", "etag", "updateTime"} <= set(manager["Project"]["properties"])
    assert {"role", "members", "condition"} <= set(manager["Binding"]["properties"])
    assert {"title", "expression"} <= set(manager["Expr"]["properties"])
    compute = documents.document("compute.v1")["schemas"]
    assert {"unreachables", "warning"} <= set(compute["InstanceAggregatedList"]["properties"])
    assert "NO_RESULTS_ON_PAGE" in compute["InstanceAggregatedList"]["properties"]["warning"]["properties"]["code"]["enum"]


def test_the_policy_is_a_custom_role_with_every_permission_and_no_other():
    role = catalogue.policy()
    assert {"title", "description", "stage", "includedPermissions"} == set(role)
    assert set(role) <= set(documents.document("iam.v1")["schemas"]["Role"]["properties"])
    assert {"compute.instances.list", "resourcemanager.projects.getIamPolicy", "storage.buckets.list"} <= set(role["includedPermissions"])
    assert all(re.search(r"\.(list|listResource|get|getIamPolicy)$", permission) for permission in role["includedPermissions"])
    assert set(role["includedPermissions"]) <= google_permissions.known()
