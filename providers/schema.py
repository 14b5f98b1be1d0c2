"""Typed configs: checked with every complaint at once, redacted and encrypted by their own marks.

A config type is a frozen ``msgspec.Struct``; a field that holds a secret is annotated `Secret` (``access_key: Secret | None``), and a
whole JSON object that is one (a kubeconfig) `SecretObject`; ``"public"`` in a mark names keys of such an object whose values may
stand in a sentence (who a key belongs to). The marks drive everything: what the API encrypts, what it
redacts, what a redactor must know.
"""

from __future__ import annotations

import difflib
import itertools
import json
import re
import types
import typing
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Annotated, Any, TypeVar

import msgspec

from providers import references
from providers.complaints import sentence
from providers.errors import ConfigError

REDACTED = "***REDACTED***"

Secret = Annotated[str, msgspec.Meta(extra={"secret": True})]
SecretObject = Annotated[dict[str, Any], msgspec.Meta(extra={"secret": True})]

ConfigT = TypeVar("ConfigT", bound=msgspec.Struct)

_DESTINATION = re.compile(
    r"(^|_)(server|servers|host|hosts|hostname|port|url|uri|endpoint|endpoints|domain|address|base|site|instance|tenant|tenant_id|realm|authority|"
    r"proxy|proxy_url|ca|ca_cert|ca_file|ca_bundle|ca_certificate|cert|verify|verify_ssl|verify_cert|insecure|use_ssl|start_tls|tls|ssl|"
    r"user|username|account|client_id|bind_dn|role_arn|audience|scheme|path)$"
)
"""Names of keys that say where a secret goes, or to whom: those of a config type whose secrets do not say it themselves."""


class SourceConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The config keys of every provider. A provider's config type inherits them."""

    ignore_fields: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            description=(
                "Attributes to leave out because they change without meaning, with commas: `status.lastSyncedAt`, `items[].etag`, or "
                "`**.etag` at any depth."
            )
        ),
    ] = ()
    """Attributes to leave out because they change without meaning: ``status.lastSyncedAt``, ``items[].etag``, ``**.etag`` at any depth."""
    mask_names: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            description=(
                "Further names of secrets, with commas: the value of every key, tag, header and argument whose name contains one of them, "
                "apart from case and separators, is stored as a mark. `licence-code` masks `LicenceCode` and `app_licence_code`."
            )
        ),
    ] = ()
    """Further names of secrets: ``licence-code`` masks the values of ``LicenceCode`` and ``app_licence_code``. Three letters at least."""


def parse(config_type: type[ConfigT], raw: Mapping[str, Any]) -> ConfigT:
    """The typed config. Raises `ConfigError` with one complaint for each unknown key, missing key and wrong value."""
    values, complaints = _values(config_type, raw)
    if complaints:
        raise ConfigError(complaints=tuple(complaints))
    try:
        return config_type(**values)
    except ValueError as error:  # a __post_init__ that compares fields
        raise ConfigError(str(error)) from None


def check(config_type: type[msgspec.Struct], raw: Mapping[str, Any]) -> None:
    """Raises `ConfigError` as `parse` does, for a config in which references may stand for secrets.

    Where one does, rules that compare fields cannot be told before the worker has read the secret.
    """
    known, secrets = {field.encode_name for field in msgspec.structs.fields(config_type)}, secret_names(config_type)
    named = {key: value for key, value in raw.items() if references.contains(value)}
    if not named:
        parse(config_type, raw)
        return
    complaints = [f"`{key}`: a reference stands for a secret, and this is none" for key in named if key in known and key not in secrets]
    complaints += [f"`{key}`: {fault}" for key, value in named.items() if key in secrets for fault in references.faults(value)]
    _, further = _values(config_type, raw, frozenset(named))
    if complaints or further:
        raise ConfigError(complaints=(*complaints, *further))


def resolved(config_type: type[msgspec.Struct], raw: Mapping[str, Any], read: Callable[[Mapping[str, Any]], Any]) -> dict[str, Any]:
    """A copy of `raw` with what `read` returns in place of each reference: a text, an object, or the reference, which then stays.

    Raises `ConfigError` with every reference that is malformed or that `read` raised it for; other errors of `read` pass.
    """
    types = {field.encode_name: field.type for field in msgspec.structs.fields(config_type) if is_secret(field.type)}
    complaints: list[str] = []
    result = dict(raw)
    for key in types.keys() & raw.keys():
        try:
            result[key] = _resolved(raw[key], types[key], read)
        except ConfigError as error:
            complaints.append(f"`{key}`: {error}")
    if complaints:
        raise ConfigError(complaints=tuple(sorted(complaints)))
    return result


def _resolved(value: Any, kind: Any, read: Callable[[Mapping[str, Any]], Any]) -> Any:
    for fault in references.faults(value):
        raise ConfigError(fault)
    if references.is_reference(value):
        return _typed(read(value), kind, value)
    return references.replaced(value, lambda one: _typed(read(one), str, one))


def _typed(found: Any, kind: Any, reference: Mapping[str, Any]) -> Any:
    """The value that was read, or the JSON object in it where the config's type wants one. Raises `ConfigError`, and never quotes it."""
    shown = json.dumps(reference)
    if found is reference:
        return found
    if references.contains(found):
        raise ConfigError(f"{shown} holds a reference itself, and only a job's config may")
    if not found:
        raise ConfigError(f"{shown} is empty")
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError:
        pass
    if not isinstance(found, str):
        raise ConfigError(f"{shown} holds an object and no text: name one of its fields by `{references.KEY}`")
    try:
        value = json.loads(found)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ConfigError(f"{shown} does not hold a JSON object")
    return _typed(value, kind, reference)


def _values(config_type: type[msgspec.Struct], raw: Mapping[str, Any], named: Collection[str] = ()) -> tuple[dict[str, Any], list[str]]:
    """The typed values by field, and a complaint for each key that is wrong. Those `named` are taken for right, and have no value."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(config_type)}
    complaints = [_unknown(key, fields) for key in raw if key not in fields]
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name in named:
            continue
        if name not in raw:
            if field.required:
                complaints.append(f"`{name}` is missing")
            continue
        try:
            values[field.name] = msgspec.convert(raw[name], field.type)
        except msgspec.ValidationError as error:
            complaints.append(sentence(error, field.type, name))
    short = (
        [name for name in values.get("mask_names", ()) if sum(map(str.isalnum, name)) < 3] if issubclass(config_type, SourceConfig) else []
    )
    complaints += [f"`mask_names`: {name!r} would mask nearly everything: a name has three letters or digits at least" for name in short]
    return values, complaints


def without_notes(stored: Mapping[str, Any]) -> dict[str, Any]:
    """A stored config without the keys that begin with `_`: earlier releases took them as notes, and no provider reads them."""
    return {key: value for key, value in stored.items() if not key.startswith("_")}


def given_for(*keys: str) -> msgspec.Meta:
    """Marks a secret with the keys that say where it goes: when one of them changes, the secret has to be given again.

    A secret without this mark is taken to be given for every key whose name says so (``server``, ``tenant_id``, ``verify_ssl`` ...).
    """
    return msgspec.Meta(extra={"given_for": keys})


def moved_secrets(
    config_type: type[msgspec.Struct], before: Mapping[str, Any], after: Mapping[str, Any], kept: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Each of the `kept` secrets that the change would send elsewhere, with the first key that changes where."""
    fields = msgspec.structs.fields(config_type)
    defaults = {field.encode_name: None if field.default is msgspec.NODEFAULT else field.default for field in fields}
    for field in fields:
        if field.encode_name in kept and is_secret(field.type):
            keys = mark(field.type, "given_for")
            keys = [key for key in defaults if _DESTINATION.search(key) and key != field.encode_name] if keys is None else keys
            changed = (key for key in keys if _plain_value(before.get(key, defaults[key])) != _plain_value(after.get(key, defaults[key])))
            yield from ((field.encode_name, key) for key in itertools.islice(changed, 1))


def _plain_value(value: Any) -> Any:
    """A value as JSON has it: a default of a typed config may be a tuple where the stored one is a list."""
    return list(value) if isinstance(value, tuple) else value


def secret_names(config_type: type[msgspec.Struct]) -> frozenset[str]:
    """The keys whose values are secrets."""
    return frozenset(f.encode_name for f in msgspec.structs.fields(config_type) if is_secret(f.type))


def map_secrets(config_type: type[msgspec.Struct], raw: Mapping[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    """A copy of `raw` with every secret value changed; None and empty ones stay."""
    names = secret_names(config_type)
    return {key: change(value) if key in names and value not in (None, "") else value for key, value in raw.items()}


def redact(config_type: type[msgspec.Struct], raw: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of `raw` that is safe to show; a reference to a secret is none and stays."""
    return map_secrets(config_type, raw, lambda value: value if references.is_shown(value) else REDACTED)


def secret_values(config_type: type[msgspec.Struct], raw: Mapping[str, Any]) -> Iterator[str]:
    """Every string inside a secret value, for a redactor; of an object, not what its mark says is known to everybody."""
    for field in msgspec.structs.fields(config_type):
        if is_secret(field.type):
            value, public = raw.get(field.encode_name), mark(field.type, "public") or ()
            yield from _strings({key: part for key, part in value.items() if key not in public} if isinstance(value, Mapping) else value)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)


def is_secret(annotation: Any) -> bool:
    """True for the type of a field that holds a secret."""
    return bool(mark(annotation, "secret"))


def mark(annotation: Any, name: str) -> Any:
    """Returns the value of a field's mark (``secret``, ``public``, ``given_for``), or None."""
    if typing.get_origin(annotation) is Annotated:
        inner, *metas = typing.get_args(annotation)
        said = (found for m in metas if isinstance(m, msgspec.Meta) and (found := (m.extra or {}).get(name)) is not None)
        return next(said, mark(inner, name))
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return next((found for part in typing.get_args(annotation) if (found := mark(part, name)) is not None), None)
    return None


def _unknown(key: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    hint = f", did you mean `{close[0]}`?" if close else f"; known are {', '.join(f'`{name}`' for name in sorted(known))}"
    return f"unknown config key `{key}`{hint}"
