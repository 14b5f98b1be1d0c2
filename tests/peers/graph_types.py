"""Microsoft's own description of Microsoft Graph's objects: the types that it publishes for TypeScript."""

from __future__ import annotations

import functools
import re

from peers.vendor import published

_INTERFACE = re.compile(r"^export interface (\w+)(?: extends (\w+))? \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_PROPERTY = re.compile(r"^    (\w+)\??: (.+);$", re.MULTILINE)
_WRAPPED = re.compile(r"NullableOption<(.+)>")


@functools.cache
def _interfaces() -> dict[str, tuple[str, dict[str, str]]]:
    text = published("@microsoft/microsoft-graph-types", "2.43.1", "microsoft-graph.d.ts").read_text()
    return {name: (base, dict(_PROPERTY.findall(body))) for name, base, body in _INTERFACE.findall(text)}


@functools.cache
def properties(name: str) -> dict[str, str]:
    """The properties of an object with their types, those of what it inherits from too. Raises KeyError."""
    base, own = _interfaces()[name]
    found = {**(properties(base) if base else {}), **own}
    return {key: wrapped[1] if (wrapped := _WRAPPED.fullmatch(kind)) else kind for key, kind in found.items()}


def is_object(kind: str) -> bool:
    """True for the name of a described object."""
    return kind in _interfaces()


def faults(name: str, found: object) -> list[str]:
    """What of an object is not as Microsoft describes it."""
    if not isinstance(found, dict):
        return [f"{name}: {type(found).__name__}"]
    known, wrong = properties(name), []
    for key, value in found.items():
        if key.startswith("@odata.") or value is None:
            continue
        if key not in known:
            wrong.append(f"{name} has no {key}")
            continue
        kind = known[key]
        items = value if kind.endswith("[]") else [value]
        if not isinstance(items, list):
            wrong.append(f"{name}.{key} is not a list")
            continue
        wrong += [fault for item in items for fault in _faults_of(f"{name}.{key}", kind.removesuffix("[]"), item)]
    return wrong


def _faults_of(where: str, kind: str, value: object) -> list[str]:
    if is_object(kind):
        return faults(kind, value)
    wanted = {"boolean": bool, "number": (int, float)}.get(kind, str)
    return [] if isinstance(value, wanted) else [f"{where} is a {type(value).__name__}, not a {kind}"]
