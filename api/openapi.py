"""The OpenAPI 3.1 document, made from the same declarations as the routes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from api import error_responses
from api.config_schemas import configs
from api.endpoint import NAME, Endpoint, NoBody
from api.examples import EXAMPLES
from api.meanings import MEANINGS, explain
from worker.version import __version__

_ADDRESS = "#/components/schemas/{name}"
GROUPS = {
    "discovery": "Jobs",
    "runs": "Runs",
    "providers": "Providers",
    "connectors": "Connectors",
    "entities": "Entities",
    "dependencies": "Links",
    "changes": "Changes",
    "organizations": "Organizations",
    "scopes": "Scopes",
    "releases": "Releases",
    "webhooks": "Webhooks",
    "keys": "Keys",
    "sessions": "Sessions",
    "audit": "Audit",
    "sync": "For connectors",
}
"""The first part of a path -> the group of its operations, in the order in which people see them."""
TAKING_CONFIG = ("JobBody", "JobChanges")
"""Bodies with a provider's config. In an answer it has `_organization_id` and marks in place of secrets as well, and is any object."""
_NAME = {"type": "string", "minLength": 1}
_ID = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}


def document(endpoints: Iterable[Endpoint], prefix: str) -> dict[str, Any]:
    """Returns the whole OpenAPI document."""
    endpoints = tuple(endpoints)
    kinds = [kind for endpoint in endpoints for kind in (endpoint.body, endpoint.query, endpoint.answer)]
    _, schemas = msgspec.json.schema_components(dict.fromkeys(kinds), ref_template=_ADDRESS, schema_hook=_hook)
    for endpoint in endpoints:
        if not endpoint.bulk:  # a body of a connector may have fields that this version ignores
            schemas[endpoint.body.__name__]["additionalProperties"] = False
    explain(schemas, kinds)
    config, more = configs(_ADDRESS)
    for name in TAKING_CONFIG:
        schemas[name]["properties"]["config"].update(config)
    schemas |= more
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(prefix + endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schemas)
    unused = {endpoint.query.__name__ for endpoint in endpoints} | {NoBody.__name__}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Elder API", "version": __version__, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "tags": [{"name": name} for name in GROUPS.values()],
        "paths": paths,
        "components": {
            "schemas": {"Error": error_responses.ERROR, **{name: schema for name, schema in schemas.items() if name not in unused}},
            "responses": error_responses.components(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"key": []}],
    }


def _operation(endpoint: Endpoint, schemas: dict[str, Any]) -> dict[str, Any]:
    names = re.findall(r"{(\w+)}", endpoint.path)
    parameters = [
        {"name": name, "in": "path", "required": True, "description": MEANINGS[name], "schema": _NAME if name == NAME else _ID}
        for name in names
    ]
    query = schemas[endpoint.query.__name__]
    for name, schema in query["properties"].items():
        parameters.append({"name": name, "in": "query", "required": name in query["required"], **_described(schema)})
    operation: dict[str, Any] = {
        "tags": [GROUPS[endpoint.path.split("/")[1]]],
        "summary": endpoint.summary,
        "operationId": endpoint.handle.__name__ if endpoint.method != "PATCH" else f"patch_{endpoint.handle.__name__}",
        "parameters": parameters,
        "responses": {
            str(endpoint.status): _content(endpoint.summary, endpoint.answer.__name__),
            **error_responses.of(endpoint),
            "default": _content("An error that nobody foresaw", "Error"),
        },
    }
    for media_type in endpoint.streams:
        operation["responses"][str(endpoint.status)]["content"][media_type] = {"schema": {"type": "string"}}
    operation["x-elder-role"] = endpoint.role
    if endpoint.narrowed:
        operation["x-elder-organization-keys"] = True
    if endpoint.method == "GET":
        operation["responses"]["304"] = {"description": "The answer is the one whose ETag the header If-None-Match has"}
    if "Deprecation" in endpoint.headers:
        operation["deprecated"] = True
    if endpoint.body is not NoBody:
        body = _content(endpoint.body.__doc__ or "", endpoint.body.__name__)
        body["content"]["application/json"]["example"] = EXAMPLES[endpoint.body.__name__]
        operation["requestBody"] = {"required": True, **body}
    return operation


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter's schema, and what it means beside it."""
    return {"description": schema["description"], "schema": {key: value for key, value in schema.items() if key != "description"}}


def _content(description: str, name: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": {"$ref": _ADDRESS.format(name=name)}}}}


def _hook(kind: type) -> dict[str, Any]:
    if kind is msgspec.Raw:
        return {}  # any JSON: a resource, as its scope's provider has it
    raise NotImplementedError(kind)
