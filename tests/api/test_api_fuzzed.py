"""The API keeps to its OpenAPI document whatever it is sent, without a key and with one of each role, about things that are there.

The cases come from the document, so an endpoint that is new is among them; one with a body needs its line in BODIES.
"""

from __future__ import annotations

import json
import re
import zlib
from typing import Any

import hypothesis
import msgspec
import psycopg
import pytest
import schemathesis
import schemathesis.specs.openapi.checks as checks
from peers.elder import FIRST, KeyedApi, bearer, settings
from schemathesis.generation.meta import TestPhase
from store_runs import add_job, resources, run_once

from api import examples
from api.app import create_app
from api.endpoint import NoBody
from api.endpoints import ENDPOINTS, PREFIX
from api.roles import ALLOWED, may
from providers.records import Resource
from worker.config.settings import Settings
from worker.store import sessions
from worker.store.sessions import Person

EXAMPLES = hypothesis.settings(
    max_examples=8,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(hypothesis.HealthCheck),
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
OTHERS = ("", "read", "operate", "sync")
"""Roles of callers besides the admin; empty for one without a key."""

PLAIN = {"Accept-Encoding": "identity"}
"""schemathesis asks a WSGI application for gzip, and does not unpack it."""

COUNT, SPARED = 24, 12
"""Things of each kind, and how many of them all other calls than DELETE are aimed at; a DELETE is aimed at the rest."""

ISSUER, HOOK = "http://127.0.0.1:9", "https://127.0.0.1:9/hook"
OIDC = {
    "ELDER_OIDC_ISSUER": ISSUER, "ELDER_OIDC_CLIENT_ID": "elder", "ELDER_OIDC_CLIENT_SECRET": "secret",
    "ELDER_OIDC_URL": "https://elder.example.com", "ELDER_OIDC_ROLES": "elder-admins=admin",
}  # fmt: skip
PEOPLE = [Resource(f"user-{n}", "user", "ldap_user", f"User {n}", {}, organization="dc=x") for n in range(COUNT)]
SYNC = {"owner": "connector:ldap", "run": "1"}
SCOPE = {**SYNC, "scope": ["ldap", "dc=x", "", "ldap_user"]}
BATCH = {**SCOPE, "organizations": [["dc=x", "LDAP: x"]], "resources": msgspec.to_builtins(PEOPLE)}
CLOSED = {**SCOPE, "outcome": "complete", "resources": COUNT}
STATE = {"name": "ldap", "next_in": 60.0, "ready": True, "served": 1}
REPORT = {"worker": "0b6a3c1e-52a1-4b0f-9d4e-7a1c2f3e4d5b", "name": "w1", "connectors": [STATE]}
WEBHOOK = {"name": "on-call", "url": HOOK, "events": ["run.ended"]}

BODIES: dict[str, dict[str, Any]] = {
    "POST /discovery/jobs": {"name": "scan", "provider": "aws", "config": {"regions": ["us-east-1"]}, "organization_id": 1},
    "PUT /discovery/jobs/{job_id}": {"description": "changed"},
    "PATCH /discovery/jobs/{job_id}": {"description": "changed"},
    "POST /discovery/jobs/{job_id}/ignore": {"field": "State.Name"},
    "POST /organizations": {"name": "new"},
    "PATCH /organizations/{organization_id}": {"description": "changed"},
    "POST /organizations/{organization_id}/merge": {"into": 1},
    "POST /scopes/retire": {"provider": "aws", "account": "none"},
    "POST /sync/runs": {**SYNC, "status": "running"},
    "POST /sync/connectors": REPORT,
    "POST /sync/scopes/begin": SCOPE,
    "POST /sync/batch": BATCH,
    "POST /sync/scopes": CLOSED,
    "POST /sync/release": {"owner": "connector:ldap"},
    "POST /webhooks": WEBHOOK,
    "PUT /webhooks/{webhook_id}": WEBHOOK,
    "POST /webhooks/{webhook_id}/rotate": {"grace_seconds": 60},
    "POST /keys": {"name": "new", "role": "read"},
    "POST /keys/{key_id}/rotate": {"grace_seconds": 60},
}
"""Operation -> a body that it takes; what is made from the document replaces a field or two of it."""

TEXTS = {"name": "ldap", "owner": "connector:ldap", "subject": "subject 0", "provider": "aws"}
"""Parameter -> a value that something has."""

schema = schemathesis.openapi.from_dict(create_app(Settings()).test_client().get(f"{PREFIX}/openapi.json").json)


def number_of(value: Any) -> int:
    """A number that the value always has, whatever cases came before it."""
    return zlib.crc32(json.dumps(value, sort_keys=True, default=str).encode())


def aimed(parameters: Any, delete: bool) -> Any:
    """The parameters of a path or a query, of which most name something that is there."""
    if not isinstance(parameters, dict):
        return parameters
    dice, found = number_of(parameters), dict(parameters)
    for name, value in parameters.items():
        if name in TEXTS and dice % 2:
            found[name] = TEXTS[name]
        elif name.endswith("_id") and isinstance(value, int) and (dice % 8 or value <= 2 * COUNT):  # never at a key of `keys`
            found[name] = 1 + dice % SPARED + (SPARED if delete else 0)
    return found


@schema.hook
def map_path_parameters(context, path_parameters):
    return aimed(path_parameters, context.operation.method.upper() == "DELETE")


@schema.hook
def map_query(context, query):
    return aimed(query, False)


@schema.hook
def map_body(context, body):
    known = BODIES[context.operation.label.replace(PREFIX, "")]
    if not isinstance(body, dict) or number_of(body) % 8 == 0:
        return body
    chosen = sorted(body, key=lambda name: number_of([name, body]))[: number_of(body) % 3]
    changed = {**known, **{name: body[name] for name in chosen}}
    return {**changed, "name": f"{known['name']} {number_of(body)}"} if "name" in known and "name" not in chosen else changed


def test_each_operation_with_a_body_has_one_that_it_takes():
    with_body = {f"{endpoint.method} {endpoint.path}" for endpoint in ENDPOINTS if endpoint.body is not NoBody}
    assert set(BODIES) == with_body, "BODIES needs a body for each, so that more than refusals are tried"


@pytest.fixture(scope="module")
def api(postgres_server):
    """One API for all examples, with things of every kind; what the examples change stays, and that is a part of it."""
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute("create database fuzzed template template_elder")
    url = postgres_server.url("fuzzed")
    api = KeyedApi(create_app(settings(url, ELDER_API_KEY=FIRST, ELDER_WEBHOOK_NETWORKS="127.0.0.0/8", **OIDC)))
    populate(api, url)
    yield api
    api.context.pool.close()
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute("drop database fuzzed with (force)")


def populate(api: KeyedApi, url: str) -> None:
    """Makes COUNT organizations, jobs, keys, sessions, webhooks with deliveries; some runs, of which one released, and a connector."""

    def post(path: str, body: Any = None) -> Any:
        response = api.call("POST", path, json=body)
        assert response.status_code < 300, (path, response.text)
        return response.json

    with psycopg.connect(url, autocommit=True) as sql:
        for n in range(COUNT):
            post("organizations", {"name": f"organization {n}"})
            job = add_job(sql, name=f"job {n}")
            if n < SPARED // 2:
                run_once(url, job, resources(60, kind=f"kind_{n}"))
                run_once(url, job, [])
            post("keys", {"name": f"key {n}", "role": "read"})
            sessions.add(sql, f"state {n}", Person(ISSUER, f"subject {n % 2}", "Ann", "read"))
    for n in range(COUNT):  # after all runs, which have events: delivery 1 is webhook 1's
        post("webhooks", {**WEBHOOK, "name": f"webhook {n}"})
    for number in [*range(1, COUNT + 1)] * 2:
        post(f"webhooks/{number}/test")
    post("runs/2/release")
    post("sync/runs", {**SYNC, "status": "running"})
    post("sync/batch", BATCH)
    post("sync/scopes", CLOSED)
    post("sync/runs", {**SYNC, "status": "completed"})


@pytest.mark.parametrize("endpoint", [one for one in ENDPOINTS if one.body is not NoBody], ids=lambda one: f"{one.method} {one.path}")
def test_the_example_of_each_body_is_taken(api, endpoint):
    """A conflict with what is there, as of two equal names, is no fault of the body."""
    path = re.sub(r"{\w+}", str(COUNT), endpoint.path)
    response = api.call(endpoint.method, f"{PREFIX}{path}", json=examples.EXAMPLES[endpoint.body.__name__])
    assert response.status_code < 300 or response.status_code == 409, response.text


@pytest.fixture(scope="module")
def keys(api):
    """A key of each role, which no example is aimed at."""
    return {role: api.make(f"the key of {role}", role)["key"] for role in ALLOWED}


@schema.exclude(path_regex="/run$").parametrize()
@EXAMPLES
def test_no_input_leads_to_an_answer_outside_the_document(api, keys, case):
    """Never a 500, and every answer is as the document says: to an admin, and to a caller of another role or none."""
    needed, covers = case.operation.definition.raw["x-elder-role"], case.meta.phase.name == TestPhase.COVERAGE
    other = OTHERS[number_of([case.path_parameters, case.query, case.body]) % len(OTHERS)]
    for role in ("admin",) if covers else ("admin", other):
        response = case.call(app=api.app, base_url="http://localhost", headers={**PLAIN, **(bearer(keys[role]) if role else {})})
        if response.status_code not in (404, 405):
            assert (response.status_code == 401) == (not role), response.text
            assert (response.status_code == 403) == bool(role and not may(role, needed)), response.text
        if case.method.upper() == case.operation.method.upper():
            assert str(response.status_code) in case.operation.definition.raw["responses"], response.text
        if not (response.status_code == 503 and "no worker is there" in response.text):
            case.validate_response(response, checks=[*CHECKS, checks.negative_data_rejection] if covers else CHECKS)
