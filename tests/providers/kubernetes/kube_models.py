"""Kubernetes' own Python client as a description: it has the types that are newer than the API server of the tests."""

from __future__ import annotations

import functools
import pathlib
import re
from typing import Any

from kubernetes.client import models

_API = pathlib.Path(models.__file__).parents[1] / "api"
_LIST = re.compile(
    r"def list_(\w+)_with_http_info\(.*?'200': \"(V\w+)List\".*?def _list_\1_serialize\(.*?resource_path='[^']*?/(\w+)'", re.DOTALL
)
_KIND = re.compile(r"V\d+(?:(?:alpha|beta)\d+)?")
_COLLECTION = re.compile(r"(List|Dict)\[(?:str, )?(.+)\]")


@functools.cache
def types(group: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """The types that a group lists, as plural and kind, and the models of each of their versions."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for file in sorted(_API.glob(f"{group.removesuffix('.k8s.io').replace('.', '_') or 'core'}_v*_api.py")):
        for _, model, plural in _LIST.findall(file.read_text()):
            name = (plural, _KIND.sub("", model, count=1))
            found[name] = (*found.get(name, ()), model)
    return found


def definition(model: str) -> dict[str, Any]:
    """A model as an OpenAPI document has it; other models are references."""
    described = getattr(models, model)
    return {"properties": {described.attribute_map[key]: _schema(annotation) for key, annotation in described.openapi_types.items()}}


def _schema(annotation: str) -> dict[str, Any]:
    if collection := _COLLECTION.fullmatch(annotation):
        inner = _schema(collection[2])
        return {"type": "array", "items": inner} if collection[1] == "List" else {"additionalProperties": inner}
    return {"$ref": f"#/{annotation}"} if _KIND.match(annotation) else {"type": annotation}
