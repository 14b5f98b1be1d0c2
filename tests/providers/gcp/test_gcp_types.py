"""Every type of the catalogue at the wire, with items that Google's own schemas describe: lists, links, secrets, and what changes by itself."""

from __future__ import annotations

import re

import pytest
from gcp_description import item_schema, method_of
from gcp_population import moved, populate, populated
from peers.google_cloud import PROJECTS
from volatile import GOOGLE_CLOUD

from providers.catalogue.masking import Masking
from providers.errors import Outcome
from providers.gcp.catalogue import KINDS

ONE = PROJECTS[0]
CANARY = "canary-a-secret-of-this-type"
SECRET = Masking()


def test_every_type_is_read_to_its_last_page_and_each_page_is_as_large_as_may_be(read, google, company):
    populate(company, 7)
    sink = read(project_ids=[ONE])

    assert {report.outcome for report in sink.reports.values()} == {Outcome.COMPLETE}
    counts = {scope.resource_type: report.resources for scope, report in sink.reports.items() if not scope.coverage}
    assert not {kind.sub_type for kind in KINDS if not counts.get(kind.sub_type)}
    for kind in populated():
        calls = google.asked(kind.method)
        if kind.size_parameter:
            assert {call.query.get(kind.size_parameter) for call in calls} == {str(kind.largest)}, kind.sub_type
        if method_of(kind).pages and not kind.under:
            lists = sum(one.method == kind.method for one in populated())  # the regions are listed for each API that needs them
            assert (len(calls), counts.get(kind.sub_type, 7)) == (3 * lists, 7), kind.sub_type


def test_links_between_the_types_have_ids_that_are_full_names(read):
    for _, resource in read(project_ids=[ONE]).all():
        targets = (link.target for link in resource.links if not link.target.endswith("-value"))  # which no API would give
        ids = (resource.external_id, *filter(None, (resource.parent,)), *targets)
        assert not [
            one
            for one in ids
            if not re.fullmatch(r"(//[\w.-]+\.googleapis\.com|principal://goog/subject|principalSet://goog/group)/[^{}]+", one)
        ], ids
        assert "/-/" not in resource.external_id.replace("/projects/-/", "/")


def test_a_secret_that_is_named_by_its_projects_number_has_the_projects_id(read):
    secrets = [resource.external_id for _, resource in read(project_ids=[ONE]).all() if resource.sub_type == "gcp_secret"]

    assert secrets
    assert all(name.startswith(f"//secretmanager.googleapis.com/projects/{ONE}/secrets/") for name in secrets)


def _secret(path: str, schema: dict) -> str | None:
    """A canary in every text under a key that says secret, and in every value of a variable, a header or an item of metadata."""
    *parents, last = path.split(".")
    hidden = ("environmentVariables", "metadata", "env", "headers", "buildEnvironmentVariables", "items")
    is_value = last in ("value", "some-key") and bool(set(parents) & set(hidden))
    if schema.get("type") != "string" or "enum" in schema or schema.get("format"):
        return None
    return CANARY if is_value or (SECRET.says_secret(last) and last != "secret") else None  # a secret's name is not a secret


def test_no_secret_of_any_type_is_kept(read, company, google):
    populate(company, 2, _secret)
    sink = read(project_ids=[ONE])

    sent = [kind.sub_type for kind in populated() if CANARY in str(google.items[kind.method](google.asked(kind.method)[0]))]
    assert len(sent) > 10, sent
    kept = {resource.sub_type: _where(resource.attributes) for _, resource in sink.all() if CANARY in str(resource)}
    assert kept == {}


def _where(node: object, path: str = "") -> list[str]:
    if isinstance(node, dict):
        return [found for key, value in node.items() for found in _where(value, f"{path}.{key}")]
    if isinstance(node, list):
        return [found for value in node for found in _where(value, f"{path}[]")]
    return [path] if CANARY in str(node) else []


# What changes by itself

KEPT = {"gcs_bucket": {"generation"}}
"""Fields of such names that are kept on purpose: a bucket's generation is another one only when it was made anew."""


def test_an_unchanged_second_run_is_the_same_although_every_volatile_field_has_moved(read, company):
    populate(company, 2, moved())
    first, second = read(project_ids=[ONE]), read(project_ids=[ONE])

    apart = {scope: first.differences(second, scope) for scope in first.found if first.canonical(scope) != second.canonical(scope)}
    assert apart == {}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.address], ids=lambda kind: kind.sub_type)
def test_what_the_client_libraries_read_leaves_out_what_moves_too(kind):
    """The same rule for the types that are read through Google's libraries, field by field."""
    _, schema = item_schema(kind)
    moving = {
        name
        for name, inner in schema["properties"].items()
        if GOOGLE_CLOUD.fullmatch(name) and inner.get("type") in ("string", "integer", "boolean")
    }
    assert not moving - set(kind.omit) - KEPT.get(kind.sub_type, set()) - {"etag", "fingerprint", "labelFingerprint", "updateTime"}
