"""All pages of a call, to the last one, and never round in circles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from providers.catalogue import paths
from providers.errors import BadAnswer

BUDGET = 100_000
"""Pages of one call. At 50 items a page, five million."""

_TOKENS = (("NextToken", "NextToken"), ("nextToken", "nextToken"), ("NextMarker", "NextMarker"), ("Marker", "NextMarker"))
_LIMITS = ("MaxResults", "maxResults", "Limit", "limit", "MaxItems", "MaxRecords", "PageSize")
_BOUNDS = {
    "ec2": (5, 1000), "rds": (20, 100), "elasticache": (20, 100), "redshift": (20, 100), "elasticbeanstalk": (1, 1000),
    "resourcegroupstaggingapi": (1, 100),
}  # fmt: skip
"""Of services whose models do not say."""
_UNDECLARED = {
    ("firehose", "ListDeliveryStreams"): {
        "input_token": "ExclusiveStartDeliveryStreamName",
        "output_token": "DeliveryStreamNames[]",
        "more_results": "HasMoreDeliveryStreams",
        "limit_key": "Limit",
    },
}
"""What botocore has no pagination config for, and the model does not show."""


class Paging(msgspec.Struct, frozen=True):
    """How a call is paged: the parameters that take a token, where the next one is, and how many items may be asked for."""

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    more: str = ""
    limit: str = ""
    smallest: int = 1
    largest: int = 0
    """Zero: nobody says, and the service's own default is what is best."""

    def size(self, wanted: int | None) -> dict[str, Any]:
        """The parameter that asks for that many items."""
        if not self.limit or not (wanted or self.largest):
            return {}
        return {self.limit: max(self.smallest, min(wanted or self.largest, self.largest or 1000))}


def paging_of(service: str, declared: Mapping[str, Any] | None, model: Any) -> Paging:
    """From botocore's pagination config of the operation, or, where there is none, from its model."""
    inputs = dict(model.input_shape.members) if model.input_shape else {}
    outputs = dict(model.output_shape.members) if model.output_shape else {}
    declared = declared or _UNDECLARED.get((service, model.name))
    if declared is None:
        token = next(((i, o) for i, o in _TOKENS if i in inputs and o in outputs), None)
        limit = next((name for name in _LIMITS if name in inputs), "")
        return _bounded(service, Paging((token[0],), (token[1],), limit=limit), inputs) if token else Paging()
    taken, given = _listed(declared["input_token"]), _listed(declared["output_token"])
    return _bounded(service, Paging(taken, given, declared.get("more_results", ""), declared.get("limit_key", "")), inputs)


def pages(call: Callable[..., Any], parameters: Mapping[str, Any], paging: Paging, wanted: int | None = None) -> Iterator[Any]:
    """Every page. Raises `BadAnswer` when a token comes a second time, or the pages do not end."""
    start = asked = {**paging.size(wanted), **parameters}
    seen: set[tuple[str, ...]] = set()
    for _ in range(BUDGET):
        page = call(**asked)
        yield page
        tokens = _next(page, paging)
        if not any(tokens):
            return
        if tokens in seen:
            raise BadAnswer("AWS gave the same page token twice: its list would never end")
        seen.add(tokens)
        asked = start | {name: token for name, token in zip(paging.inputs, tokens, strict=True) if token}
    raise BadAnswer(f"AWS gave {BUDGET} pages and no end")


def _next(page: Any, paging: Paging) -> tuple[str, ...]:
    if paging.more and not paths.first(page, paging.more):
        return ()
    return tuple(_last(page, output) for output in paging.outputs)


def _last(page: Any, path: str) -> str:
    """The token; where that is the last item so far, its path leads to the items."""
    *_, token = ("", *paths.values(page, path))
    return str(token)


def _listed(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _bounded(service: str, paging: Paging, inputs: Mapping[str, Any]) -> Paging:
    if not paging.limit or paging.limit not in inputs or inputs[paging.limit].type_name == "string":
        return msgspec.structs.replace(paging, limit="")
    bounds, default = inputs[paging.limit].metadata, _BOUNDS.get(service, (1, 0))
    smallest, largest = int(bounds.get("min", default[0])), int(bounds.get("max", default[1]))
    return msgspec.structs.replace(paging, smallest=max(smallest, 1), largest=min(largest, 1000))
