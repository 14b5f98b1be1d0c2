"""Config keys as people enter them: in a form, or as ``--config KEY=VALUE``."""

from __future__ import annotations

import inspect
import json
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from providers.errors import ConfigError
from providers.schema import secret_names

Kind = Literal["text", "number", "flag", "list", "object"]


class ConfigKey(msgspec.Struct, frozen=True):
    """One key of a provider's config: how it is entered, and what it does."""

    name: str
    kind: Kind
    required: bool
    secret: bool
    default: Any
    description: str


def keys(config_type: type[msgspec.Struct]) -> tuple[ConfigKey, ...]:
    """The keys of a config type in the order of their declaration; what every provider has comes last."""
    secrets, fields = secret_names(config_type), msgspec.structs.fields(config_type)
    found = [
        ConfigKey(
            name=field.encode_name,
            kind=kind(field.type),
            required=field.required,
            secret=field.encode_name in secrets,
            default=None if field.default is msgspec.NODEFAULT else field.default,
            description=description(field.type),
        )
        for field in fields
    ]
    own = inspect.get_annotations(config_type)
    return tuple(sorted(found, key=lambda key: key.name not in own))


def kind(annotation: Any) -> Kind:
    """How a value of this type is entered."""
    parts = {typing.get_origin(part) or part for part in (annotation, *_inside(annotation))}
    for entered, types in _KINDS.items():
        if parts & types:
            return entered
    return "text"


def description(annotation: Any) -> str:
    """The description in the annotation; empty where it has none."""
    for part in (annotation, *_inside(annotation)):
        if typing.get_origin(part) is typing.Annotated:
            said = next((m.description for m in typing.get_args(part)[1:] if isinstance(m, msgspec.Meta) and m.description), "")
            if said:
                return said
    return ""


def value(text: str, annotation: Any) -> Any:
    """A value that was entered as text: text stays, a list may be given with commas, anything else is read as JSON if it can be."""
    entered = kind(annotation)
    if entered == "text":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return [part.strip() for part in text.replace("\n", ",").split(",") if part.strip()] if entered == "list" else text


def entered(pairs: Sequence[str], config_type: type[msgspec.Struct] | None) -> dict[str, Any]:
    """The config that ``KEY=VALUE`` pairs give; ``@FILE`` as the value stands for the file's content. Raises `ConfigError`."""
    types = {field.encode_name: field.type for field in msgspec.structs.fields(config_type)} if config_type else {}
    config: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            raise ConfigError(f"--config takes KEY=VALUE, not '{key}'")
        config[key] = value(read(text[1:], str.strip) if text.startswith("@") else text, types.get(key))
    return config


def read(path: str, understood: Callable[[str], Any]) -> Any:
    """A file's content, as `understood` makes it. Raises `ConfigError`."""
    try:
        return understood(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None


_KINDS: dict[Kind, set[Any]] = {
    "text": {str, Literal},
    "list": {tuple, list},
    "object": {dict},
    "flag": {bool},
    "number": {int, float},
}


def _inside(annotation: Any) -> tuple[Any, ...]:
    """The types in a union and behind an annotation, but not those of a list's items."""
    if typing.get_origin(annotation) in (tuple, list, dict):
        return ()
    return tuple(inner for part in typing.get_args(annotation) for inner in (part, *_inside(part)))
