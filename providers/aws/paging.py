"""How each AWS call is paged. The reading itself is `providers.pages`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from providers import pages as paging
from providers.catalogue import paths
from providers.errors import BadAnswer

_TOKENS = (("NextToken", "NextToken"), ("nextToken", "nextToken"), ("NextMarker", "NextMarker"), ("Marker", "NextMarker"))
_LIMITS = ("MaxResults", "maxResults", "Limit", "limit", "MaxItems", "MaxRecords", "PageSize")
_SERVICE_BOUNDS = {
    "accessanalyzer": (1, 100), "autoscaling": (1, 100), "batch": (1, 100), "dax": (20, 100), "dms": (20, 100), "memorydb": (20, 100),
    "sesv2": (1, 1000),
    "ec2": (5, 1000), "ecs": (1, 100), "elasticache": (20, 100), "elasticbeanstalk": (1, 1000), "rds": (20, 100),
    "redshift": (20, 100), "resourcegroupstaggingapi": (1, 100), "route53": (1, 100),
}  # fmt: skip
"""The smallest and the largest page of services whose models do not say, from AWS's API references."""
_CALL_BOUNDS = {
    ("apigateway", "GetRestApis"): (1, 500),
    ("apigatewayv2", "GetApis"): (1, 100),
    ("apigatewayv2", "GetDomainNames"): (1, 100),
    ("apigatewayv2", "GetStages"): (1, 100),
    ("cloudfront", "ListDistributions"): (1, 100),
    ("directconnect", "DescribeConnections"): (1, 100),
    ("efs", "DescribeFileSystems"): (1, 100),
    ("efs", "DescribeMountTargets"): (1, 100),
    ("route53", "ListResourceRecordSets"): (1, 300),
    ("sqs", "ListQueues"): (1, 1000),
}
"""The same for single calls. The reference of API Gateway V2 names no maximum."""
_UNDECLARED = {
    ("firehose", "ListDeliveryStreams"): {
        "input_token": "ExclusiveStartDeliveryStreamName",
        "output_token": "DeliveryStreamNames[]",
        "more_results": "HasMoreDeliveryStreams",
        "limit_key": "Limit",
        "result_key": "DeliveryStreamNames",
    },
}
"""Calls that have no pagination config in botocore, and whose tokens their models do not show."""


class Paging(msgspec.Struct, frozen=True):
    """How a call is paged: the parameters that take a token, where the next one is, and how many items may be asked for."""

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    more: str = ""
    limit: str = ""
    smallest: int = 1
    largest: int = 0
    """Zero for a call that takes no size."""
    as_text: bool = False
    """True for the few services whose size is a string."""
    results: tuple[str, ...] = ()
    """Path of the items in a page."""

    def size(self, wanted: int | None) -> dict[str, Any]:
        """The parameter that asks for that many items, or for as many as the call allows."""
        if not self.limit:
            return {}
        number = max(self.smallest, min(wanted or self.largest, self.largest))
        return {self.limit: str(number) if self.as_text else number}

    def page(self, answer: Mapping[str, Any]) -> paging.Page:
        """An answer as a page."""
        items = [item for path in self.results for item in _items(answer, path)]
        tokens = self._tokens(answer)
        return paging.Page(items, tokens if any(tokens) else None, answer)

    def _tokens(self, answer: Mapping[str, Any]) -> tuple[str, ...]:
        if self.more and not paths.first(answer, self.more):
            return ()
        found = tuple(_last(answer, output) for output in self.outputs)
        if self.more and not any(found):
            raise BadAnswer(f"AWS says that more follows ({self.more}) and gives no token to ask for it")
        return found


def paging_of(service: str, declared: Mapping[str, Any] | None, model: Any) -> Paging:
    """The paging of an operation, from botocore's pagination config or, where there is none, from the operation's model."""
    inputs = dict(model.input_shape.members) if model.input_shape else {}
    outputs = dict(model.output_shape.members) if model.output_shape else {}
    lists = tuple(name for name, shape in outputs.items() if shape.type_name == "list")
    declared = declared or _UNDECLARED.get((service, model.name))
    if declared is None:
        token = next(((taken, given) for taken, given in _TOKENS if taken in inputs and given in outputs), None)
        limit = next((name for name in _LIMITS if name in inputs), "")
        found = Paging((token[0],), (token[1],), limit=limit, results=lists) if token else Paging(results=lists)
    else:
        taken, given = _listed(declared["input_token"]), _listed(declared["output_token"])
        results = _listed(declared["result_key"])
        found = Paging(taken, given, declared.get("more_results", ""), declared.get("limit_key", ""), results=results)
    return _bounded(service, model.name, found, inputs)


def pages(call: Callable[..., Any], parameters: Mapping[str, Any], how: Paging, wanted: int | None = None, what: str = "") -> Iterator[Any]:
    """Every answer of a call, to its last page. Raises `BadAnswer` when the pages lead in a circle or do not end."""
    start = {**how.size(wanted), **parameters}

    def ask(tokens: tuple[str, ...] | None, _size: int) -> paging.Page:
        given = {name: token for name, token in zip(how.inputs, tokens or (), strict=False) if token}
        return how.page(call(**start, **given))

    for page in paging.by_token(ask, what=what or getattr(call, "__name__", "a list")):
        yield page.answer


def _items(answer: Mapping[str, Any], path: str) -> Iterator[Any]:
    for found in paths.values(answer, path):
        if isinstance(found, list):
            yield from found
        else:
            yield found


def _last(answer: Any, path: str) -> str:
    """The token; where that is the last item so far, its path leads to the items."""
    *_, token = ("", *paths.values(answer, path))
    return str(token)


def _listed(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _bounded(service: str, operation: str, found: Paging, inputs: Mapping[str, Any]) -> Paging:
    """The paging with the bounds of the page's size: the model's, else those that AWS documents."""
    if found.limit not in inputs:
        return msgspec.structs.replace(found, limit="")
    shape = inputs[found.limit]
    smallest, largest = _CALL_BOUNDS.get((service, operation)) or _SERVICE_BOUNDS.get(service, (1, 0))
    is_number = shape.type_name != "string"
    smallest = int(shape.metadata.get("min", smallest)) if is_number else smallest
    largest = int(shape.metadata.get("max", largest)) if is_number else largest
    return msgspec.structs.replace(found, smallest=max(smallest, 1), largest=min(largest, 1000), as_text=not is_number)
