"""Label selectors: the plain map of a Service, and matchLabels with matchExpressions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Labels = Mapping[str, str]


def matches(selector: Any, labels: Labels) -> bool:
    """True when labels fit a selector. One without anything fits all: the API server keeps none of a Service that is empty."""
    if not isinstance(selector, Mapping):
        return False
    if not {"matchLabels", "matchExpressions"} & selector.keys():
        return all(labels.get(key) == value for key, value in selector.items())
    plain = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in plain.items()) and all(
        _holds(expression, labels) for expression in selector.get("matchExpressions") or ()
    )


def _holds(expression: Mapping[str, Any], labels: Labels) -> bool:
    value, wanted = labels.get(expression["key"]), expression.get("values") or ()
    match expression["operator"]:
        case "In":
            return value in wanted
        case "NotIn":
            return value not in wanted
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case _:
            return False
