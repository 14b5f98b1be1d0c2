"""The OpenAPI document: valid, and true of the routes; test_api_fuzzed.py holds the API to it."""

from __future__ import annotations

import re

from openapi_spec_validator import OpenAPIV31SpecValidator

from api.app import ENDPOINTS, PREFIX, create_app
from api.endpoint import NoBody
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


def test_every_operation_has_a_name_of_its_own():
    names = [operation["operationId"] for operations in DOCUMENT["paths"].values() for operation in operations.values()]
    assert len(names) == len(set(names))


def test_bounds_of_numbers_and_unknown_fields_of_bodies_are_in_the_document():
    """A body that is valid by the document is not refused for a rule that the document lacks."""
    [page, per_page, _] = DOCUMENT["paths"]["/api/v1/webhooks"]["get"]["parameters"]
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
