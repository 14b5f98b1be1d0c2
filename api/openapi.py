"""The OpenAPI 3.1 document, made from the same declarations as the routes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from api.endpoint import Endpoint, NoBody
from worker.version import __version__

_ERROR = {
    "type": "object",
    "required": ["error", "details"],
    "properties": {"error": {"type": "string"}, "details": {"type": "array", "items": {"type": "string"}}},
}
_LISTS = {
    "Jobs": "jobs",
    "Organizations": "organizations",
    "Entities": "entities",
    "Dependencies": "dependencies",
    "Changes": "changes",
}
_REQUIRED = {
    "Job": ("id", "name", "provider", "status", "created_at", "config"),
    "Queued": ("job_id", "success", "message", "queued_at"),
    "Done": ("job_id", "success", "message"),
    "Tested": ("job_id", "success", "message"),
    "History": ("job_id", "results"),
    "Run": ("id", "job_id", "status", "scopes", "started_at"),
    "Released": ("run_id", "released"),
    "Organization": ("id", "name"),
    "Entity": ("id", "external_id", "entity_type", "sub_type", "name"),
    "Fingerprints": ("fingerprints", "count"),
    "Stored": ("created", "updated", "unchanged", "rejected"),
    "Tombstoned": ("deleted", "held_back"),
}


def document(endpoints: Iterable[Endpoint], prefix: str) -> dict[str, Any]:
    """The whole document."""
    endpoints = tuple(endpoints)
    bodies = [endpoint.body for endpoint in endpoints if endpoint.body is not NoBody]
    queries = [endpoint.query for endpoint in endpoints]
    (*_,), components = msgspec.json.schema_components([*bodies, *queries], ref_template="#/components/schemas/{name}", schema_hook=_hook)
    schemas: dict[str, Any] = {**components, "Error": _ERROR}
    for name, fields in _REQUIRED.items():
        schemas[name] = {"type": "object", "required": list(fields)}
    for name, items in _LISTS.items():
        numbers = {key: {"type": "integer"} for key in ("total", "page", "per_page", "pages")}
        schemas[name] = {"type": "object", "required": [items, *numbers], "properties": {items: {"type": "array"}, **numbers}}
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(prefix + endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Elder API", "version": __version__, "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
        "security": [{}, {"key": []}],
    }


def _operation(endpoint: Endpoint, components: dict[str, Any]) -> dict[str, Any]:
    integer = {"type": "integer", "minimum": 0}
    parameters = [{"name": name, "in": "path", "required": True, "schema": integer} for name in re.findall(r"{(\w+)}", endpoint.path)]
    described = components.get(endpoint.query.__name__, {})
    for name, schema in described.get("properties", {}).items():
        parameters.append({"name": name, "in": "query", "required": name in described.get("required", ()), "schema": schema})
    error = {"description": "An error", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    answer = {
        "description": endpoint.summary,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{endpoint.answer}"}}},
    }
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "operationId": f"{endpoint.method.lower()}_{re.sub(r'[^a-z_]+', '_', endpoint.path.strip('/'))}".rstrip("_"),
        "parameters": parameters,
        "responses": {str(endpoint.status): answer, "default": error},
    }
    if endpoint.body is not NoBody:
        reference = {"$ref": f"#/components/schemas/{endpoint.body.__name__}"}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": reference}}}
    return operation


def _hook(kind: type) -> dict[str, Any]:
    if kind is msgspec.Raw:
        return {}
    raise NotImplementedError(kind)
