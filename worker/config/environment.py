"""Reads typed values out of environment variables, and complains well."""

from __future__ import annotations

import difflib
import re
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from providers.schema import secret_names

PREFIXES = ("DISCOVERY_", "CONNECTOR_", "SYNC_", "HEALTH_CHECK_", "ELDER_", "LDAP_", "OKTA_", "AUTHENTIK_", "GOOGLE_WORKSPACE_", "LEASE_")
"""Names that begin so are ours: one that we do not know is a mistake."""

NOT_SETTINGS = re.compile(r".*_(SERVICE_HOST|SERVICE_PORT\w*|PORT_\d+_(TCP|UDP)\w*)$|ELDER_POSTGRES_BIN$")
"""What Kubernetes sets for a service of that name, and a variable that is read elsewhere."""

_TRUE, _FALSE = frozenset({"true", "1", "yes", "on"}), frozenset({"false", "0", "no", "off"})
_LINK = re.compile(r"(tcp|udp)://\d")


class SettingsError(Exception):
    """The settings are wrong; `complaints` are sentences."""

    def __init__(self, complaints: tuple[str, ...]) -> None:
        super().__init__("\n".join(complaints))
        self.complaints = complaints


class Reader:
    """Of one environment; gathers complaints."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.complaints: list[str] = []

    def text(self, name: str) -> str:
        """The value of a variable or the content of its file; empty when it is not set."""
        value = self._environ.get(name, "").strip()
        if value and not _LINK.match(value):  # a service's address that Docker or Kubernetes put under our name
            return value
        path = self._environ.get(f"{name}_FILE", "").strip()
        if not path or name.endswith("_CREDENTIALS"):
            return ""
        try:
            return Path(path).read_text().strip()
        except (OSError, UnicodeError) as error:
            self.complaints.append(f"{name}_FILE: {path} cannot be read ({type(error).__name__})")
            return ""

    def values(self, kind: type[msgspec.Struct], skip: frozenset[str] = frozenset()) -> dict[str, Any]:
        """Field -> value, of those that are set."""
        found: dict[str, Any] = {}
        secrets = secret_names(kind)
        for field in msgspec.structs.fields(kind):
            text = "" if field.name in skip else self.text(field.name.upper())
            if not text:
                continue
            try:
                found[field.name] = _convert(text, field.type)
            except (ValueError, msgspec.ValidationError) as error:
                shown = "" if field.name in secrets else f" (it is '{text}')"
                self.complaints.append(f"{field.name.upper()}: {str(error)[:1].lower()}{str(error)[1:]}{shown}")
        return found

    def unknown_names(self, known: Mapping[str, str]) -> None:
        """Complains about variables that begin like ours and are none."""
        for name in sorted(self._environ):
            base = name.removesuffix("_FILE")
            if name.startswith(PREFIXES) and name not in known and base not in known and not NOT_SETTINGS.match(name):
                close = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
                hint = f", did you mean {close[0]}?" if close else ""
                self.complaints.append(f"unknown setting {name}{hint}")


def _convert(text: str, annotation: Any) -> Any:
    kind = _plain(annotation)
    if typing.get_origin(kind) is tuple:
        return msgspec.convert(tuple(part.strip() for part in text.split(",") if part.strip()), annotation)
    if kind is bool:
        return _boolean(_uncommented(text))
    if kind in (int, float):
        return msgspec.convert(_number(_uncommented(text), kind), annotation)
    if typing.get_origin(kind) is typing.Literal:
        return _one_of(_uncommented(text), typing.get_args(kind))
    return text


def _plain(annotation: Any) -> Any:
    """The type inside Annotated and Optional."""
    while typing.get_origin(annotation) in (typing.Annotated, typing.Union, types.UnionType):
        annotation = next(part for part in typing.get_args(annotation) if part is not type(None))
    return annotation


def _uncommented(text: str) -> str:
    """Without the comment that ``NAME=3600  # hourly`` leaves in a value: Docker's env files keep it."""
    return re.sub(r"\s+#.*$", "", text)


def _boolean(text: str) -> bool:
    if text.lower() not in _TRUE | _FALSE:
        raise ValueError("must be true or false")
    return text.lower() in _TRUE


def _number(text: str, kind: type[int | float]) -> float:
    try:
        return kind(text)
    except ValueError:
        raise ValueError("must be a whole number" if kind is int else "must be a number") from None


def _one_of(text: str, choices: tuple[str, ...]) -> str:
    for choice in choices:
        if text.lower() == choice.lower():
            return choice
    raise ValueError(f"must be one of {', '.join(choices)}")
