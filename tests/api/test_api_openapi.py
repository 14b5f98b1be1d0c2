"""The OpenAPI document: valid, and true of the routes; test_api_fuzzed.py holds the API to it."""

from __future__ import annotations

import re

import jsonschema
import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.app import create_app
from api.endpoint import NoBody
from api.endpoints import ENDPOINTS, PREFIX
from api.examples import EXAMPLES
from providers import references, registry, schema
from providers.records import Resource
from worker.config.settings import Settings

DOCUMENT = create_app(Settings()).test_client().get("/api/v1/openapi.json").json


def test_the_document_is_valid():
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_every_route_is_described_and_everything_described_is_a_route(elder_app):
    described = {(method.upper(), path) for path, operations in DOCUMENT["paths"].items() for method in operations}
    routes = {
        (method, re.sub(r"<\w+:(\w+)>", r"{\1}", rule.rule))
        for rule in elder_app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.rule.startswith(PREFIX) and not rule.rule.endswith(("openapi.json", "healthz"))
    }
    assert described == routes
    assert len(described) == len(ENDPOINTS)


def test_every_field_and_every_parameter_says_what_it_means():
    fields = {
        f"{name}.{key}": field.get("description", "")
        for name, one in DOCUMENT["components"]["schemas"].items()
        for key, field in one.get("properties", {}).items()
    }
    parameters = {
        f"{path} {one['name']}": one.get("description", "")
        for path, operations in DOCUMENT["paths"].items()
        for operation in operations.values()
        for one in operation["parameters"]
    }
    assert len(fields) > 500
    assert len(parameters) > 100
    assert [name for name, text in (fields | parameters).items() if len(text.split()) < 2] == []


def test_what_a_class_says_of_its_field_comes_before_what_the_name_means_elsewhere():
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["Released"]["properties"]["attributes"]["description"] == "The number of attributes that were taken away."
    assert schemas["WholeEntity"]["properties"]["attributes"]["description"] == "What the source says of the entity, as JSON."
    assert schemas["WarnedJob"]["properties"]["crashes"]["description"].startswith("Crashes of its process in a row")


BODIES = {endpoint.body.__name__: endpoint.body for endpoint in ENDPOINTS if endpoint.body is not NoBody}


@pytest.mark.parametrize("name", BODIES)
def test_each_body_has_an_example_that_is_taken(name):
    shown = {
        operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]: operation["requestBody"]["content"][
            "application/json"
        ]["example"]
        for operations in DOCUMENT["paths"].values()
        for operation in operations.values()
        if "requestBody" in operation
    }
    assert shown[name] == EXAMPLES[name]
    msgspec.json.decode(msgspec.json.encode(EXAMPLES[name]), type=BODIES[name])
    for resource in EXAMPLES[name].get("resources", ()) if name == "Batch" else ():
        msgspec.convert(resource, Resource)
    assert judged(DOCUMENT["components"]["schemas"][name], EXAMPLES[name]) == []
    assert EXAMPLES[name].keys() <= {*BODIES[name].__struct_encode_fields__}
    if name == "JobBody":
        schema.check(registry.get("aws").config, EXAMPLES[name]["config"])


def test_no_example_is_of_a_body_that_is_no_more():
    assert EXAMPLES.keys() == BODIES.keys()


def judged(one: dict, value: object) -> list[str]:
    """The complaints of a validator."""
    whole = {"allOf": [one], "components": DOCUMENT["components"]}
    return [error.message for error in jsonschema.Draft202012Validator(whole).iter_errors(value)]


@pytest.mark.parametrize("name", [name for name in registry.BUILT_IN if registry.get(name).discovery])
def test_the_config_of_each_provider_is_a_schema(name):
    """Its keys are those that the provider takes, and a secret may be a reference."""
    config = registry.get(name).config
    found = DOCUMENT["components"]["schemas"][config.__name__]
    for body in ("JobBody", "JobChanges"):
        choices = DOCUMENT["components"]["schemas"][body]["properties"]["config"]["anyOf"]
        assert {"$ref": f"#/components/schemas/{config.__name__}"} in choices
    assert found["properties"].keys() == set(config.__struct_encode_fields__)
    assert judged(found, {"no_such_key": 1}) != []
    for secret in schema.secret_names(config):
        assert found["properties"][secret]["writeOnly"] is True
        for value in ({name: "elder/secret"} for name in references.SCHEMES):
            assert judged(found["properties"][secret], value) == []


def test_every_operation_has_a_name_of_its_own():
    names = [operation["operationId"] for operations in DOCUMENT["paths"].values() for operation in operations.values()]
    assert len(names) == len(set(names))


def test_bounds_of_numbers_and_unknown_fields_of_bodies_are_in_the_document():
    """A body that is valid by the document is not refused for a rule that the document lacks."""
    page, per_page = (one for one in DOCUMENT["paths"]["/api/v1/webhooks"]["get"]["parameters"] if "page" in one["name"])
    assert (page["schema"]["minimum"], page["schema"]["maximum"]) == (1, 1_000_000)
    assert (per_page["schema"]["minimum"], per_page["schema"]["maximum"]) == (1, 1000)
    schemas = DOCUMENT["components"]["schemas"]
    grace = schemas["RotateSecretBody"]["properties"]["grace_seconds"]
    assert (grace["minimum"], grace["maximum"], grace["default"]) == (0, 604_800, 0)
    for endpoint in ENDPOINTS:
        if endpoint.body is not NoBody:
            assert schemas[endpoint.body.__name__].get("additionalProperties", True) == endpoint.bulk


def test_lengths_and_patterns_of_texts_are_in_the_document():
    schemas = DOCUMENT["components"]["schemas"]
    blank, lengths = r"\S", ("minLength", "maxLength", "pattern")
    for body, field, expected in (
        ("JobBody", "name", (1, 200, blank)),
        ("JobChanges", "name", (1, 200, blank)),
        ("JobBody", "queue", (1, 100, r"^[\w.-]+$")),
        ("OrganizationBody", "name", (1, 200, blank)),
        ("OrganizationChanges", "name", (1, 200, blank)),
        ("KeyBody", "name", (1, 100, blank)),
        ("IgnoreBody", "field", (1, 500, blank)),
        ("WebhookBody", "name", (1, 100, blank)),
        ("WebhookBody", "url", (1, 2000, "^https?://")),
    ):
        found = schemas[body]["properties"][field]
        assert tuple(found[name] for name in lengths) == expected, (body, field)
    assert (schemas["WebhookBody"]["properties"]["events"]["minItems"], schemas["MergeBody"]["properties"]["into"]["minimum"]) == (1, 1)
    [interval, _] = schemas["JobBody"]["properties"]["schedule_interval"]["anyOf"]
    assert (interval["minimum"], interval["maximum"]) == (60, 31_536_000)
