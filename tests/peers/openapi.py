"""A vendor's OpenAPI document (3.0, or Swagger 2.0) as a judge of requests and answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema
import openapi_schema_validator


class Document:
    """What the vendor says of its API."""

    def __init__(self, document: dict[str, Any], root: str = "") -> None:
        """`root` is what stands before every path of the document."""
        self._root = root
        self._swagger = "swagger" in document
        self._kind = jsonschema.Draft4Validator if self._swagger else openapi_schema_validator.OAS30Validator
        self._shared = {key: _or_null(document[key]) for key in ("definitions", "components") if key in document}
        self._document = document
        self._paths = [(re.compile("/".join(map(_segment, path.split("/")))), path) for path in document["paths"]]
        self._paths.sort(key=lambda pair: pair[1].count("{"))  # the literal one first, as /users/me

    def enumeration(self, name: str) -> frozenset[str]:
        """The values of an enumeration of the document."""
        return frozenset(self._document["components"]["schemas"][name]["enum"])

    @property
    def templates(self) -> set[str]:
        """The paths of the document, as it writes them."""
        return {self._root + path for path in self._document["paths"]}

    def request(self, method: str, path: str, query: Mapping[str, str]) -> list[str]:
        """What is wrong with a request."""
        operation = self._operation(method, path)
        if operation is None:
            return [f"{method} {path} is not in the document"]
        known = {parameter["name"]: parameter for parameter in self._parameters(operation) if parameter["in"] == "query"}
        found = [f"{method} {path} has no parameter {name}" for name in query if name not in known]
        found += [f"{method} {path} needs {name}" for name, one in known.items() if one.get("required") and name not in query]
        for name in query.keys() & known.keys():
            parameter = known[name]
            schema = {key: value for key, value in parameter.items() if key in _SCHEMA} if self._swagger else parameter["schema"]
            found += [f"{method} {path}?{name}={query[name]}: {text}" for text in self._breaches(schema, _typed(query[name], schema))]
        return found

    def answer(self, method: str, path: str, status: int, body: Any) -> list[str]:
        """What is wrong with an answer; nothing is, where the document does not describe that status."""
        schema = self.answer_schema(method, path, status)
        return [f"{status} of {method} {path}: {text}" for text in self._breaches(schema, body)] if schema else []

    def answer_schema(self, method: str, path: str, status: int = 200) -> dict[str, Any] | None:
        """The schema of an answer."""
        operation = self._operation(method, path)
        response = self._resolved((operation or {}).get("responses", {}).get(str(status), {}))
        schema = response.get("schema") if self._swagger else response.get("content", {}).get("application/json", {}).get("schema")
        return schema or None

    def parameters(self, method: str, path: str) -> set[str]:
        """The names of an operation's query parameters; `path` may be the template itself."""
        operation = self._operation(method, path)
        assert operation is not None, f"{method} {path} is not in the document"
        return {parameter["name"] for parameter in self._parameters(operation) if parameter["in"] == "query"}

    def field(self, schema: Mapping[str, Any], path: str) -> dict[str, Any]:
        """The schema of a field by its path (`Reservations[].id`). Fails when there is none."""
        current = self._resolved(schema)
        for step in path.split("."):
            name = step.removesuffix("[]")
            known = self._properties(current)
            if name not in known and isinstance(current.get("additionalProperties"), Mapping):
                known = {name: current["additionalProperties"]}
            assert name in known, f"there is no {name}{'' if name == path else f' of {path}'}, but {', '.join(sorted(known))}"
            current = self._resolved(known[name])
            assert (current.get("type") == "array") == step.endswith("[]"), f"{name} of {path}: list or not?"
            if step.endswith("[]"):
                current = self._resolved(current["items"])
        return current

    def items(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """The schema of the items of a list."""
        return self._resolved(self._resolved(schema)["items"])

    def only(self, paths: set[str]) -> dict[str, Any]:
        """The document with these paths alone, under their whole addresses, for a server of it."""
        kept = {self._root + path: value for path, value in self._document["paths"].items() if path in paths}
        assert kept
        return {key: value for key, value in self._document.items() if key != "servers"} | {"paths": kept}

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        plain = path.removeprefix(self._root)
        for pattern, template in self._paths:
            if pattern.fullmatch(plain) and method.lower() in self._document["paths"][template]:
                return self._document["paths"][template][method.lower()]
        return None

    def _parameters(self, operation: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        return (self._resolved(parameter) for parameter in operation.get("parameters", ()))

    def _properties(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        found = dict(schema.get("properties", {}))
        for part in schema.get("allOf", ()):
            found |= self._properties(self._resolved(part))
        return found

    def _resolved(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            found: Any = self._document
            for key in schema["$ref"].removeprefix("#/").split("/"):
                found = found[key]
            schema = found
        alone = schema.get("allOf", ())
        return self._resolved(alone[0]) if len(alone) == 1 and "properties" not in schema else dict(schema)

    def _breaches(self, schema: Mapping[str, Any], value: Any) -> list[str]:
        judge = self._kind({"allOf": [schema], **self._shared}, format_checker=jsonschema.FormatChecker())
        return [f"{error.json_path}: {error.message[:200]}" for error in judge.iter_errors(value)][:5]


_SCHEMA = {"type", "enum", "format", "minimum", "maximum", "pattern"}


def _or_null(node: Any) -> Any:
    """With `nullable` beside an `allOf` as it is meant: 3.0 makes it a word for `type` alone, and generators do not know that."""
    if isinstance(node, list):
        return [_or_null(one) for one in node]
    if not isinstance(node, dict):
        return node
    found = {key: _or_null(value) for key, value in node.items()}
    if found.get("nullable") is True and "allOf" in found:
        return {"anyOf": [{"allOf": found["allOf"]}, {"type": "string", "nullable": True, "enum": [None]}]}
    return found


def _segment(segment: str) -> str:
    return re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(segment))


def _typed(text: str, schema: Mapping[str, Any]) -> Any:
    match schema.get("type"):
        case "integer" if text.lstrip("-").isdecimal():
            return int(text)
        case "boolean" if text in ("true", "false"):
            return text == "true"
    return text
