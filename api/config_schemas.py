"""The configs of the built-in providers as schemas of the OpenAPI document."""

from __future__ import annotations

from typing import Any

import msgspec

from api.meanings import explain
from providers import references, registry
from providers.schema import secret_names

_OTHERS = {"type": "object", "title": "Config of a third party's provider"}
_REFERENCE = {
    "type": "object",
    "title": "Reference to a secret",
    "description": "Stands in place of a secret: where the worker or the job reads it.",
    "minProperties": 1,
    "maxProperties": 2,
    "properties": {
        **{name: {"type": "string", "description": f"{scheme.takes}."} for name, scheme in references.SCHEMES.items()},
        references.KEY: {"type": "string", "description": "Name of one field of a secret in a store."},
    },
    "additionalProperties": False,
}


def configs(template: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schema of any job's config, and the schemas that it refers to by a template of their address."""
    providers = [provider for name in registry.BUILT_IN if (provider := registry.get(name)).discovery]
    types = [provider.config for provider in providers]
    _, schemas = msgspec.json.schema_components(types, ref_template=template)
    explain(schemas, types)
    for provider in providers:
        schema = schemas[provider.config.__name__]
        schema.update(title=f"Config of {provider.title}", additionalProperties=False)
        for name in secret_names(provider.config):
            schema["properties"][name] = _secret(schema["properties"][name], template)
    named = [{"$ref": template.format(name=one.__name__)} for one in types]
    return {"anyOf": [*named, _OTHERS]}, {**schemas, "SecretReference": _REFERENCE}


def _secret(schema: dict[str, Any], template: str) -> dict[str, Any]:
    """The schema of a secret: it may be sent and is not shown, and a reference may stand in its place."""
    plain = {name: value for name, value in schema.items() if name != "description"}
    shown = {"description": schema["description"]} if "description" in schema else {}
    return {"anyOf": [plain, {"$ref": template.format(name="SecretReference")}], "writeOnly": True, **shown}
