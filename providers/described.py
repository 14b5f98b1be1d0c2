"""A third party's provider by its description, for processes that may not import its package.

A job's process makes the description from the package's own classes (`of`), everybody else reads it as untrusted JSON (`read`) and uses
it as a `Provider` whose config type is made from the JSON Schema in it (`Described`). Of a schema only what is bounded in time is used:
types, enumerations, bounds and lengths; patterns and references are left to the package, which checks the config in the job again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import GenericAlias
from typing import Annotated, Any, Literal

import msgspec

from providers import schema, third_party
from providers.complaints import sentence
from providers.errors import ConfigError
from providers.provider import Description, Provider, Source, describe
from providers.variables import Variable

LARGEST = 256 * 1024
"""Bytes of a description."""

MOST_KEYS, MOST_TYPES, DEEPEST = 200, 5000, 4
LONGEST_TITLE = 100
MARKS = ("secret", "public", "given_for")
"""The marks of `providers.schema` that stand in a description's JSON Schema."""
MEMORY_MB = range(16, 4097)
METADATA_PORT = 80

_KEY = re.compile(r"[A-Za-z_][\w.-]{0,63}")
_BOUNDS = {
    "minimum": "ge",
    "maximum": "le",
    "exclusiveMinimum": "gt",
    "exclusiveMaximum": "lt",
    "minLength": "min_length",
    "maxLength": "max_length",
    "minItems": "min_length",
    "maxItems": "max_length",
}
"""Keyword of JSON Schema -> that of msgspec."""

_SCALARS: dict[str, Any] = {"string": str, "integer": int, "number": float, "boolean": bool, "null": None, "object": dict[str, Any]}


class Refusal(msgspec.Struct, frozen=True, tag="refusal"):
    """The answer of the process that describes when there is no description."""

    sentence: str


def of(provider: Provider) -> Description:
    """The whole description of a provider. Raises `TypeError` for types that cannot be described."""
    return msgspec.structs.replace(
        describe(provider),
        config=_schema_of(provider.config),
        resource_types=tuple(provider.resource_types()),
        ports=tuple(provider.ports or ()),
        pins_identity=provider.pins_identity,
    )


def read(name: str, text: bytes) -> Description:
    """The description that a job's process has written of the provider of that name. Raises `ConfigError`."""
    try:
        found = msgspec.json.decode(text, type=Description) if len(text) <= LARGEST else None
    except msgspec.ValidationError as error:
        raise _unusable(name, f"its description cannot be read: {sentence(error, Description)}") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise _unusable(name, f"its description cannot be read: {error}") from None
    if found is None:
        raise _unusable(name, f"its description has more than {LARGEST:,} bytes")
    for complaint in _complaints(name, found):
        raise _unusable(name, complaint)
    ports = tuple(port for port in found.ports if port != METADATA_PORT)  # a package does not give itself the metadata service
    return msgspec.structs.replace(found, title=_printable(found.title), ports=ports)


def conflict(description: Description, names: frozenset[str], prefixes: tuple[str, ...]) -> str:
    """Why a provider may not have its variables, in a sentence; empty when it may. `names` and `prefixes` are those of everybody else."""
    for variable in description.variables:
        if not variable.name.startswith(description.prefix):
            return f"its variable {variable.name} does not begin with {description.prefix}"
        if variable.name in names or variable.name.startswith(prefixes):
            return f"its variable {variable.name} is somebody else's"
    taken = any(description.prefix.startswith(prefix) for prefix in prefixes)
    return f"the prefix {description.prefix} is taken" if taken else ""


def _unusable(name: str, reason: str) -> ConfigError:
    return ConfigError(third_party.unusable(name, reason))


def _complaints(name: str, found: Description) -> Iterator[str]:
    keys = found.config.get("properties", {})
    if not third_party.NAME.fullmatch(name) or found.name != name:
        yield f"it calls itself '{found.name[:40]}'; a name has lower-case letters, digits, - and _"
    if not isinstance(keys, dict) or len(keys) > MOST_KEYS or not all(_KEY.fullmatch(key) for key in keys):
        yield f"its config is not an object of at most {MOST_KEYS} keys"
    if len(found.variables) > MOST_KEYS or len(found.resource_types) > MOST_TYPES or len(found.ports) > MOST_KEYS:
        yield "it has too many variables, resource types or ports"
    if found.memory_mb not in MEMORY_MB or not all(0 < port < 65536 for port in found.ports):
        yield "its memory or its ports are out of bounds"
    if not found.title or len(found.title) > LONGEST_TITLE:
        yield f"its title has not from 1 to {LONGEST_TITLE} characters"
    if b"\\u0000" in msgspec.json.encode(found):
        yield "it has a character that no database stores (NUL)"
    try:
        config_type(found.config)
    except (TypeError, ValueError) as error:
        yield f"its config has a schema that cannot be used: {error}"


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)


class Described(Provider):
    """A provider of which only the description is here. It opens nothing: a job's process loads the package for that."""

    def __init__(self, description: Description) -> None:
        """Everything that a package says of files and of the metadata service is left out: its jobs get what the operator gives."""
        self.description = description
        said = {name: getattr(description, name) for name in ("name", "title", "memory_mb", "discovery", "pins_identity", "ports")}
        types = {"config": config_type(description.config), "operator": _any_of(description.operator)}
        if description.connector is not None:
            types["connector"] = _any_of(description.connector)
        vars(self).update(said | types)  # what other providers have as attributes of their classes

    def open(self, config: Any, operator: Any) -> Source:  # noqa: ARG002 - the package itself opens it, in a job
        """Raises `ConfigError`: the package is imported in job processes only."""
        raise ConfigError(f"provider '{self.name}' is a third party's: it is opened in a job's process only")

    def resource_types(self) -> Any:
        """The resource types that the package names."""
        return self.description.resource_types


# --- schemas


def _schema_of(config: type[msgspec.Struct]) -> dict[str, Any]:
    """JSON Schema of a config type, with the marks of its fields."""
    properties = {}
    for field in msgspec.structs.fields(config):
        marks = {mark: value for mark in MARKS if (value := schema.mark(field.type, mark)) is not None}
        properties[field.encode_name] = _plain_schema(field.type) | marks
    required = [field.encode_name for field in msgspec.structs.fields(config) if field.required]
    return {"type": "object", "properties": properties, "required": required}


def _plain_schema(annotation: Any) -> dict[str, Any]:
    """JSON Schema of a type; a type of the package's own becomes an object, and one that has no schema anything."""
    try:
        (found,), components = msgspec.json.schema_components((annotation,))
    except (TypeError, ValueError):
        return {}
    plain: dict[str, Any] = _without_references(found, components)
    return plain


def _without_references(found: Any, components: Mapping[str, Any]) -> Any:
    if isinstance(found, dict):
        target = components.get(str(found.get("$ref", "")).rpartition("/")[2])
        if "$ref" in found:
            inner = {key: value for key, value in (target or {}).items() if key in ("type", "enum")}
            return inner | {key: value for key, value in found.items() if key == "description"}
        return {key: _without_references(value, components) for key, value in found.items()}
    return [_without_references(one, components) for one in found] if isinstance(found, list) else found


def config_type(found: Mapping[str, Any]) -> type[msgspec.Struct]:
    """The config type that a JSON Schema describes. Raises `TypeError` or `ValueError`."""
    required = found.get("required") or ()
    fields: list[Any] = []
    names = {}
    for place, (key, inner) in enumerate(found.get("properties", {}).items()):
        names[f"f{place}"] = key
        annotation = _annotated(inner)
        fields.append((f"f{place}", annotation) if key in required else (f"f{place}", annotation | None, None))
    return msgspec.defstruct("DescribedConfig", fields, rename=names, kw_only=True, frozen=True, namespace={"__module__": __name__})


def _annotated(found: Any) -> Any:
    if not isinstance(found, dict):
        raise TypeError("a key has no schema")
    marks = {mark: found[mark] for mark in MARKS if found.get(mark) is not None}
    said = str(found.get("description", ""))[:2000] or None
    return Annotated[_type(found, 0), msgspec.Meta(description=said, extra=marks or None)]


def _type(found: Any, depth: int) -> Any:
    """The type of a value; anything where the schema says what is not used here."""
    if depth > DEEPEST or not isinstance(found, dict):
        return Any
    if (choices := found.get("enum")) and isinstance(choices, list) and all(isinstance(one, str) for one in choices):
        return Literal[tuple(choices)]
    if isinstance(found.get("anyOf"), list):
        some = [_type(one, depth + 1) for one in found["anyOf"] if one != {"type": "null"}]
        return some[0] | None if len(some) == 1 and some[0] is not Any else Any
    bounds = {ours: found[theirs] for theirs, ours in _BOUNDS.items() if isinstance(found.get(theirs), int | float)}
    kind = found.get("type")
    if kind == "array":
        plain: Any = GenericAlias(list, (_type(found.get("items"), depth + 1),))
    else:
        plain = _SCALARS.get(kind, Any) if isinstance(kind, str) else Any
    return Annotated[plain, msgspec.Meta(**bounds)] if bounds and plain is not Any else plain


def _any_of(variables: Iterable[Variable]) -> type[msgspec.Struct]:
    fields: list[Any] = [(variable.field, Any, None) for variable in variables]
    return msgspec.defstruct("DescribedSettings", fields, frozen=True, namespace={"__module__": __name__})
