"""Annotations of Kubernetes' objects, of which stamps, documents and the values of Secrets and ConfigMaps are not kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from providers.schema import REDACTED

DROPPED = frozenset({"kubectl.kubernetes.io/last-applied-configuration", "control-plane.alpha.kubernetes.io/leader"})
"""A copy of the whole object, and elections."""

_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d|\d{10,19}$")

_DOCUMENTS = ("{", "[", "H4sI")
"""First bytes of JSON, plain and compressed by gzip."""


def kept(annotations: Any) -> Any:
    """Annotations, but for values that are documents: whole objects with all their values."""
    if not isinstance(annotations, Mapping):
        return annotations
    found = {key: str(value) for key, value in annotations.items() if key not in DROPPED and not _is_stamp(key, str(value))}
    return {key: REDACTED if value.lstrip().startswith(_DOCUMENTS) else value for key, value in found.items()}


def _is_stamp(key: str, value: str) -> bool:
    """True for the time at which something last happened, such as `cluster-autoscaler.kubernetes.io/last-updated`."""
    return key.rpartition("/")[2].startswith("last-") and bool(_TIME.match(value))


def names(annotations: Mapping[str, Any]) -> dict[str, str]:
    """The names of annotations, with a mark for each value."""
    return dict.fromkeys(sorted(set(annotations) - DROPPED), REDACTED)
