"""References to secrets: in a job's config, an object such as ``{"$file": path}`` stands for a secret that the worker or the job reads.

`SCHEMES` is the one list of what a reference may name. The worker reads files and variables of its own; a store of secrets is asked by the
job's process, so that the worker never holds what is in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

FILE, ENV, AWS, VAULT = "$file", "$env", "$aws", "$vault"

KEY = "key"
"""The key of a reference to a store that names one field of the secret."""

LARGEST = 256 * 1024
"""Bytes of the largest secret that a reference may stand for."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_LONGEST_PATH = 1000
_LONGEST_FIELD = 256
_AWS_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
AWS_ARN = re.compile(r"arn:aws[a-z-]*:secretsmanager:([a-z]{2,}(?:-[a-z]+)+-\d+):(\d{12}):secret:[A-Za-z0-9/_+=.@-]{1,520}")
"""The ARN of a secret in AWS Secrets Manager; the groups are its region and its account."""


_VAULT_SEGMENT = r"(?!\.{1,2}(?:/|\Z))[A-Za-z0-9_+=.@-]+"
_VAULT_PATH = re.compile(rf"(?=.{{1,512}}\Z){_VAULT_SEGMENT}(?:/{_VAULT_SEGMENT})*")
"""A path without `.`, `..` and empty segments: on the way to the server these would lead to another secret."""


class Scheme(NamedTuple):
    """One kind of thing that a reference may name."""

    is_name: Callable[[str], bool]
    """Tells whether a text has the shape of a name of such a thing."""
    takes: str
    """Sentence about what the scheme takes, for one that has another shape."""
    store: bool = False
    """True for a store of secrets, which the job's process asks; a secret in it may have fields."""


def _is_path(where: str) -> bool:
    return where.startswith("/") and len(where) <= _LONGEST_PATH and where.isprintable()


def _is_aws(where: str) -> bool:
    return bool((AWS_ARN if where.startswith("arn:") else _AWS_NAME).fullmatch(where))


SCHEMES: dict[str, Scheme] = {
    FILE: Scheme(_is_path, "$file takes the absolute path of a file of the worker's"),
    ENV: Scheme(lambda where: bool(_NAME.fullmatch(where)), "$env takes the name of a variable of the worker's environment"),
    AWS: Scheme(_is_aws, "$aws takes the name or the ARN of a secret in AWS Secrets Manager", store=True),
    VAULT: Scheme(
        lambda where: bool(_VAULT_PATH.fullmatch(where)),
        "$vault takes the path of a secret in Vault's KV engine, without its mount",
        store=True,
    ),
}
"""Every scheme of a reference by its key."""


def is_reference(value: Any) -> bool:
    """True for an object with a key of `SCHEMES`; `faults` says what is wrong with one that has other keys as well."""
    return isinstance(value, Mapping) and not SCHEMES.keys().isdisjoint(value)


def scheme_of(reference: Mapping[str, Any]) -> str:
    """The scheme of a reference: a key of `SCHEMES`."""
    return next(key for key in reference if key in SCHEMES)


def in_store(value: Any) -> bool:
    """True for a reference to a secret in a store."""
    return is_reference(value) and SCHEMES[scheme_of(value)].store


def is_shown(value: Any) -> bool:
    """True for a reference that may be stored and shown as it is: one that names something, and so holds no secret."""
    return is_reference(value) and next(faults(value), None) is None


def faults(value: Any) -> Iterator[str]:
    """Yields what is wrong with the references in a value, at any depth."""
    for one in found(value):
        name = scheme_of(one)
        scheme, further = SCHEMES[name], one.keys() - {name}
        if not (isinstance(one[name], str) and scheme.is_name(one[name])):
            yield scheme.takes
        if further - ({KEY} if scheme.store else set()):
            yield f"{name} stands alone in its object" + (f", but for `{KEY}`" if scheme.store else "")
        elif KEY in one and not _is_field(one[KEY]):
            yield f"`{KEY}` takes the name of a field of the secret that {name} names"


def contains(value: Any) -> bool:
    """True if there is a reference in the value, at any depth."""
    return next(found(value), None) is not None


def replaced(value: Any, read: Callable[[Mapping[str, Any]], Any]) -> Any:
    """A copy of `value` with what `read` returns in place of each reference."""
    if is_reference(value):
        return read(value)
    if isinstance(value, Mapping):
        return {key: replaced(item, read) for key, item in value.items()}
    return [replaced(item, read) for item in value] if isinstance(value, list) else value


def spelt(text: str) -> dict[str, Any] | None:
    """The reference that a person has written as JSON into a field; None for any other text."""
    if not re.match(r'\s*\{\s*"', text):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if is_reference(value) else None


def found(value: Any) -> Iterator[Mapping[str, Any]]:
    """The references in a value, at any depth."""
    if is_reference(value):
        yield value
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from found(item)


def _is_field(key: Any) -> bool:
    return isinstance(key, str) and 0 < len(key) <= _LONGEST_FIELD and key.isprintable()
