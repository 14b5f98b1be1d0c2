"""``elder-worker settings``: the reference of all settings, made from their declaration."""

from __future__ import annotations

import argparse
import typing
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from worker.config.settings import Settings, defaults, secret_fields


def main(options: argparse.Namespace, _environ: Mapping[str, str]) -> int:
    """Prints it."""
    print(markdown() if options.format == "markdown" else env())
    return 0


def rows() -> Iterator[tuple[str, str, str, bool]]:
    """(variable, default, description, secret) of every setting."""
    values, secrets = defaults(), secret_fields()
    fields = [field for field in msgspec.structs.fields(Settings) if field.name != "given"]
    own = [field for field in fields if field.name in Settings.__annotations__]
    for field in (*own, *(field for field in fields if field not in own)):
        yield field.name.upper(), _shown(values[field.name]), _description(field.type), field.name in secrets


def markdown() -> str:
    """A table."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for name, default, description, secret in rows():
        shown = f"`{default}`".replace("|", "\\|") if default else ""
        lines.append(f"| `{name}` | {shown} | {description}{' Secret: also as `' + name + '_FILE`.' if secret else ''} |")
    return "\n".join(lines)


def env() -> str:
    """An .env file with everything commented out."""
    return "\n".join(f"# {description}\n# {name}={default}\n" for name, default, description, _ in rows())


def _shown(value: Any) -> str:
    if value is None or value == ():
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _description(annotation: Any) -> str:
    for part in (annotation, *typing.get_args(annotation)):
        if typing.get_origin(part) is typing.Annotated:
            for meta in typing.get_args(part)[1:]:
                if isinstance(meta, msgspec.Meta) and meta.description:
                    return meta.description
    return ""
