"""The OpenAPI document: valid, true of the routes, and the API keeps to it whatever it is sent."""

from __future__ import annotations

import re

import hypothesis
import pytest
import schemathesis
import schemathesis.specs.openapi.checks as checks
from openapi_spec_validator import OpenAPIV31SpecValidator
from peers.elder import settings

from api.app import ENDPOINTS, PREFIX, create_app
from worker.config.settings import Settings

DOCUMENT = create_app(Settings()).test_client().get("/api/v1/openapi.json").json
READ = hypothesis.settings(
    max_examples=8,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(hypothesis.HealthCheck),
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)
schema = schemathesis.openapi.from_dict(DOCUMENT)


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


@pytest.fixture(scope="module")
def fuzzed(postgres_server):
    """One application for all examples; what they make stays, and that is a part of it."""
    import psycopg

    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute("create database fuzzed template template_elder")
    app = create_app(settings(postgres_server.url("fuzzed")))
    client = app.test_client()
    client.post("/api/v1/organizations", json={"name": "one"})
    client.post("/api/v1/discovery/jobs", json={"name": "one", "provider": "aws"})
    yield app
    app.extensions["elder"].pool.close()
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute("drop database fuzzed with (force)")


@schema.exclude(path_regex="/run$").parametrize()
@READ
def test_no_input_brings_the_api_down(fuzzed, case):
    """Never a 500, and every answer is as the document says."""
    response = case.call(app=fuzzed, base_url="http://localhost")

    assert response.status_code < 500 or (response.status_code == 503 and "no worker is there" in response.text), response.text
    case.validate_response(response, checks=[checks.response_schema_conformance, checks.content_type_conformance])
