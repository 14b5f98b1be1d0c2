"""The stored part of an object's status: what people need, without times and counters, which change without meaning.

- `conditions` are their type, status and reason; messages and times are left out.
- Times and numbers are left out, but for those in `KEPT_TIMES` and `KEPT_NUMBERS`.
- Lists are sorted: their order says nothing, and differs from one answer to the next.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

KEPT_TIMES = frozenset({"notAfter", "notBefore"})
"""When a certificate ends and begins."""

KEPT_NUMBERS = frozenset({
    "replicas", "readyReplicas", "availableReplicas", "updatedReplicas", "numberReady", "desiredNumberScheduled", "succeeded", "failed",
    "Port", "port", "sizeBytes",
})  # fmt: skip
"""Parts of a status that are kept: numbers of replicas, outcomes of jobs, ports and sizes of images."""

LEFT_OUT = frozenset({"resourceVersion", "observedGeneration", "observedResourceVersion"})

_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?([.,]\d+)?\s*(Z|UTC|[+-]\d\d:?\d\d)?.{0,40}")
_CONDITION = ("type", "status", "reason")


def stable(status: Any) -> Any:
    """A copy of a status without what is left out."""
    if isinstance(status, Mapping):
        return {key: _stable(key, value) for key, value in status.items() if _is_kept(key, value)}
    if isinstance(status, list):
        return sorted((stable(value) for value in status if _is_kept("", value) or not isinstance(value, str)), key=_canonical)
    return status


def _stable(key: str, value: Any) -> Any:
    if key == "conditions" and isinstance(value, list) and all(isinstance(one, Mapping) and "type" in one for one in value):
        return sorted(({name: one[name] for name in _CONDITION if name in one} for one in value), key=_canonical)
    return stable(value)


def _is_kept(key: str, value: Any) -> bool:
    if key in LEFT_OUT:
        return False
    if isinstance(value, str):
        return key in KEPT_TIMES or not _TIME.fullmatch(value)
    return not isinstance(value, int | float) or isinstance(value, bool) or key in KEPT_NUMBERS


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
