"""The catalogue against Google's own description: its discovery documents."""

from __future__ import annotations

import re

import pytest
from peers import google_documents as documents

from providers.catalogue import paths
from providers.gcp import catalogue, lean
from providers.gcp.catalogue import KINDS, STAMPS
from providers.gcp.compute import service_and_method
from providers.gcp.declaration import Kind

VERSIONS = {"compute": "v1", "storage": "v1", "iam": "v1", "serviceusage": "v1", "cloudresourcemanager": "v3"}
CONTEXT = {"project", "value"}


def method_of(method: str) -> documents.Method:
    api = f"{method.partition('.')[0]}.{VERSIONS[method.partition('.')[0]]}"
    found = documents.methods(api)
    assert method in found, f"{method} is no method of {api}"
    return found[method]


def walk(api: str, schema: dict, path: str) -> dict:
    """The schema at a path. Fails by the name of a step that does not exist, and of a list that is not walked or no list."""
    for name, is_list in paths.steps(path):
        while "$ref" in schema:
            schema = documents.schema(api, schema["$ref"])
        known = schema.get("properties", {})
        assert name in known, f"there is no {name}; there are {sorted(known)}"
        schema = known[name]
        assert (schema.get("type") == "array") == is_list, f"{name}: list or not?"
        schema = schema["items"] if is_list else schema
    while "$ref" in schema:
        schema = documents.schema(api, schema["$ref"])
    return schema


def item_of(kind: Kind, method: str = "") -> tuple[str, dict]:
    """The API and the schema of what is listed."""
    found = method_of(method or kind.method)
    answer = documents.schema(found.api, found.response)
    if found.id.endswith(".aggregatedList"):
        answer = documents.schema(found.api, answer["properties"]["items"]["additionalProperties"]["$ref"])
    return found.api, walk(found.api, answer, kind.items if not method or method == kind.method else "items[]")


def ids(kind: Kind) -> str:
    return kind.sub_type


@pytest.mark.parametrize("kind", KINDS, ids=ids)
def test_its_method_and_every_field_exist(kind):
    api, item = item_of(kind)
    assert item["type"] == "object"
    for other in kind.and_also:
        assert item_of(kind, other) == (api, item), f"{other} lists something else"
    fields = [*paths.holes(kind.id), *paths.holes(kind.parent), kind.name, kind.location, kind.labels, *(rule.path for rule in kind.links)]
    for field in filter(None, fields):
        if field.startswith("above."):
            walk(*item_of(catalogue.kind(kind.under)), field.removeprefix("above."))
        elif field not in CONTEXT:
            walk(api, item, field)
    if kind.labels:
        assert walk(api, item, kind.labels)["additionalProperties"]["type"] == "string"


@pytest.mark.parametrize("kind", KINDS, ids=ids)
def test_what_is_left_out_exists(kind):
    api, item = item_of(kind)
    for path in kind.omit:
        above, _, last = path.rpartition(".")
        assert path in STAMPS or last in walk(api, item, above)["properties"], path
    for path in kind.names_only:
        assert set(walk(api, item, f"{path}[]")["properties"]) == {"key", "value"}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "labels" in item_of(kind)[1]["properties"]], ids=ids)
def test_labels_are_not_forgotten(kind):
    assert kind.labels == "labels"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.address], ids=ids)
def test_its_address_and_parameters_are_the_documents(kind):
    method = method_of(kind.method)
    host, _, path = kind.address.partition("/")
    filled = re.sub(r"{project}", "p", path).replace("{name}", "projects/p/serviceAccounts/a@p")
    assert host == method.service
    assert method.verb == "GET"
    assert method.path.fullmatch(f"/{filled}"), method.template
    for hole in paths.holes(path):
        if hole != "project":
            walk(*item_of(catalogue.kind(kind.under)), hole)
    for name, value in kind.parameters.items():
        assert not documents.parameter_fault(name, method.query[name], [value])
    assert kind.size_parameter == method.size_parameter
    if said := re.search(r"(?:maximum is|cannot exceed) ([\d,]+)", method.own.get(kind.size_parameter, {}).get("description", "")):
        assert kind.largest == int(said[1].replace(",", "").rstrip("."))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.api == "compute"], ids=ids)
def test_a_list_of_all_zones_may_be_partial_and_pages_are_as_large_as_may_be(kind):
    for name in kind.methods:
        method = method_of(name)
        assert ("returnPartialSuccess" in method.query) >= name.endswith(".aggregatedList")
        assert "inclusive. (Default: `500`)" in method.own["maxResults"]["description"]
        service, call = service_and_method(name)
        assert lean.messages(lean._folder(), service, call)[0] == lean.request_name(service, call)


def test_names_are_unique_and_permissions_are_lists_of_what_the_method_lists():
    names = [one.sub_type for one in catalogue.resource_types()]
    assert len(names) == len(set(names))
    for kind in KINDS:
        for method, permission in zip(kind.methods, kind.permissions, strict=True):
            assert re.fullmatch(r"[a-z]+\.[a-zA-Z]+\.list", permission)
            assert permission.split(".")[0] == kind.api
            assert permission.split(".")[1].lower().endswith(method.split(".")[-2].lower()), permission


def test_what_the_code_reads_beside_the_catalogue_exists_too():
    for method in (
        "cloudresourcemanager.projects.search",
        "cloudresourcemanager.projects.get",
        "cloudresourcemanager.projects.getIamPolicy",
    ):
        method_of(method)
    manager = documents.document("cloudresourcemanager.v3")["schemas"]
    assert {"name", "projectId", "parent", "state", "labels", "etag", "updateTime"} <= set(manager["Project"]["properties"])
    assert {"role", "members", "condition"} <= set(manager["Binding"]["properties"])
    assert {"title", "expression"} <= set(manager["Expr"]["properties"])
    compute = documents.document("compute.v1")["schemas"]
    assert {"unreachables", "warning"} <= set(compute["InstanceAggregatedList"]["properties"])
    assert "NO_RESULTS_ON_PAGE" in compute["InstanceAggregatedList"]["properties"]["warning"]["properties"]["code"]["enum"]
    assert "unreachable" in documents.document("storage.v1")["schemas"]["Buckets"]["properties"]


def test_a_field_that_does_not_exist_fails_by_its_name():
    with pytest.raises(AssertionError, match="there is no netwrok"):
        walk(*item_of(catalogue.kind("gcp_subnetwork")), "netwrok")


def test_the_policy_is_a_custom_role_with_every_permission_and_no_other():
    role = catalogue.policy()
    assert {"title", "description", "stage", "includedPermissions"} == set(role)
    assert set(role) <= set(documents.document("iam.v1")["schemas"]["Role"]["properties"])
    assert {"compute.instances.list", "resourcemanager.projects.getIamPolicy", "storage.buckets.list"} <= set(role["includedPermissions"])
    assert all(re.search(r"\.(list|get|getIamPolicy)$", permission) for permission in role["includedPermissions"])
