"""Links that no type declares: every ARM id inside a document is a reference to the resource that it names.

Azure repeats many links at both ends. What a kind lists as `back` is left out, as are private endpoints' connections, which each
endpoint has of its own.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from providers.azure.kinds import AzureKind
from providers.catalogue import paths
from providers.records import Link

REFERENCE = "refers_to"
LARGEST = 200
"""References of one resource; of more, the first in the order of their ids."""

_REPEATED = frozenset({"privateendpointconnections", "tags", "systemdata"})
_IDENTITIES = "userassignedidentities"
_GROUP = re.compile(r"/subscriptions/[^/]+/resourcegroups/[^/]+", re.IGNORECASE)
_PROVIDERS = "/providers/"


class References:
    """Finds references to resources of the declared types, and to others as far as their ids show what they are."""

    def __init__(self, kinds: Iterable[AzureKind]) -> None:
        self._declared = frozenset(arm_type.lower() for kind in kinds for arm_type in kind.arm_types)
        self._target = functools.lru_cache(maxsize=1_000)(self.target)

    def of(self, kind: AzureKind, document: Mapping[str, Any], own: str, linked: Iterable[str]) -> Iterator[Link]:
        """The references of a document whose id is `own`, but for those to targets that are linked already."""
        skipped = {id(holder[key]) for path in kind.back for holder, key in paths.holders(document, path)}
        found = {target for text in _ids(document, skipped) if (target := self._target(text))}
        yield from (Link(REFERENCE, target) for target in sorted(found - set(linked))[:LARGEST] if not _contains(own, target))
        yield from _identities(document)

    def target(self, text: str) -> str:
        """The id of the resource that an id lies in, in lower case: cut to the deepest type that is declared. Empty for other texts."""
        low = text.lower().rstrip("/")
        group = _GROUP.match(low)
        before, providers, names = low.partition(_PROVIDERS)
        if not providers:
            return low if group and group.end() == len(low) else ""
        namespace, *words = names.split("/")
        if len(words) < 2 or not all(words) or (group and group.end() != len(before)):
            return ""
        known = [end for end in range(2, len(words) + 1, 2) if "/".join((namespace, *words[0:end:2])) in self._declared]
        if not known and not group:
            return ""
        return f"{before}{providers}{namespace}/{'/'.join(words[: known[-1] if known else 2])}"


def _ids(node: Any, skipped: set[int]) -> Iterator[str]:
    """The texts of a document that begin as an ARM id does, and the keys of its identities, without its own id."""
    stack = [value for key, value in node.items() if key != "id" and key.lower() not in _REPEATED]
    while stack:
        value = stack.pop()
        if id(value) in skipped:
            continue
        if isinstance(value, str):
            if value[:15].lower() == "/subscriptions/":
                yield value
        elif isinstance(value, Mapping):
            stack += [inner for key, inner in value.items() if key.lower() not in _REPEATED and key.lower() != _IDENTITIES]
        elif isinstance(value, list | tuple):
            stack += value


def _contains(own: str, target: str) -> bool:
    """True for a target that is the resource itself, in it, or around it."""
    return f"{own}/".startswith(f"{target}/") or target.startswith(f"{own}/")


def _identities(document: Mapping[str, Any]) -> Iterator[Link]:
    """The principal of the resource itself, and the identities that it may use."""
    identity = document.get("identity")
    if not isinstance(identity, Mapping):
        return
    if isinstance(principal := identity.get("principalId"), str) and principal:
        yield Link("has_identity", principal.lower())
    yield from (Link("uses_identity", arm_id.lower()) for arm_id in identity.get("userAssignedIdentities") or ())
