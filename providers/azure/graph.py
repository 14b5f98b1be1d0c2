"""One Azure Resource Graph query a subscription, believed only as far as it can be proven complete.

Three things make it lie by omission, and each is checked: rows the caller may not read are left out (so the caller's permissions are read
first), a truncated answer says so in a flag, and a list that changes while it is paged ends with another count than it announced.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from providers.azure.catalogue import GRAPH_TYPES, GraphType
from providers.azure.client import Arm
from providers.azure.permissions import Permissions
from providers.azure.resource import graph_resources
from providers.errors import BadAnswer, Outcome
from providers.provider import Item
from providers.records import Incomplete

GRAPH = "2022-10-01"
PERMISSIONS = "2018-07-01"
_COLUMNS = "id, name, type, kind, location, sku, zones, identity, managedBy, tags, properties"


def read_graph(arm: Arm, subscription: str, page_size: int) -> Iterator[Item]:
    """All resources of `GRAPH_TYPES` in the subscription, and `Incomplete` for each type that cannot be proven complete."""
    permissions = Permissions(arm.get(f"/subscriptions/{subscription}/providers/Microsoft.Authorization/permissions", PERMISSIONS))
    for kind in GRAPH_TYPES:
        if not permissions.allow(kind.permission):
            yield from _incomplete(
                kind, Outcome.DENIED, f"the permission {kind.permission} is missing; the role Reader has it", kind.permission
            )
    by_arm_type = {kind.arm_type.lower(): kind for kind in GRAPH_TYPES}
    for row in _rows(arm, subscription, page_size):
        yield from graph_resources(row, by_arm_type[row["type"].lower()])


def _rows(arm: Arm, subscription: str, page_size: int) -> Iterator[dict[str, Any]]:
    names = ", ".join(f"'{kind.arm_type.lower()}'" for kind in GRAPH_TYPES)
    query = f"Resources | where type in~ ({names}) | project {_COLUMNS} | order by id asc"
    options: dict[str, Any] = {"$top": page_size, "resultFormat": "objectArray"}
    seen, counted = set[str](), 0
    while True:
        body = {"subscriptions": [subscription], "query": query, "options": options}
        page = arm.post("/providers/Microsoft.ResourceGraph/resources", GRAPH, body)
        rows = page.get("data") or []
        yield from rows
        counted += len(rows)
        token = page.get("$skipToken")
        if not token:
            break
        if token in seen:
            raise BadAnswer("the pages of Resource Graph lead in a circle")
        seen.add(token)
        options = {**options, "$skipToken": token}
    if page.get("resultTruncated") == "true" or counted != page.get("totalRecords", counted):
        raise BadAnswer(f"Resource Graph gave {counted} of {page.get('totalRecords')} rows: the list changed while it was read, or was cut")


def _incomplete(kind: GraphType, outcome: Outcome, message: str, permission: str) -> Iterator[Incomplete]:
    for name in (kind.sub_type, *(child.sub_type for child in kind.children)):
        yield Incomplete(name, outcome, message, permission)
