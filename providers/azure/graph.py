"""Azure Resource Graph: one query for a table and a batch of subscriptions, believed only as far as it can be proven complete.

Four things make it lie by omission, and each is checked:

- rows that the caller may not read are left out: the caller's permissions on each subscription are read first;
- its page tokens are offsets, so that a row that is deleted meanwhile hides another: pages overlap by one row (`providers.pages`);
- a truncated answer says so in a flag;
- its data lags behind Azure: Resource Manager's own list of each subscription names what is missing, and each is asked for by its id;
  where that list may not be read, a second reading of the graph must find nothing new.
"""

from __future__ import annotations

import concurrent.futures
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from providers.azure import catalogue
from providers.azure.client import Connection
from providers.azure.failure import Gone
from providers.azure.kinds import AzureKind
from providers.azure.permissions import Permissions
from providers.azure.reading import Reading
from providers.azure.shape import subscription_of
from providers.errors import Denied, ProviderError, ScopeError, Throttled, TimedOut, Unsupported
from providers.pages import Page, by_offset, items
from providers.provider import Item
from providers.records import Incomplete, Placed, Scope

GRAPH_PATH, GRAPH_VERSION = "/providers/Microsoft.ResourceGraph/resources", "2022-10-01"
PERMISSIONS_PATH, PERMISSIONS_VERSION = "/subscriptions/{subscription}/providers/Microsoft.Authorization/permissions", "2018-07-01"
RESOURCES_PATH, RESOURCES_VERSION = "/subscriptions/{subscription}/resources", "2021-04-01"

BATCH = 200
"""Subscriptions of one query. Azure recommends fewer than 300."""

CONFIRMED_EACH = 50
"""Resources of one scope that the graph lacks and that are asked for one by one. With more, the graph is not believed."""

AT_ONCE = 8
"""Subscriptions whose permissions and lists are read at once."""

_COLUMNS = ("id", "name", "type", "kind", "location", "sku", "zones", "identity", "managedBy", "tags", "properties")

Document = Mapping[str, Any]


def scope_of(kind: AzureKind, subscription: str) -> Scope:
    """The scope of a type in a subscription."""
    return Scope("azure", subscription, "", kind.sub_type)


class GraphReading:
    """One table of the graph, for some subscriptions."""

    def __init__(self, connection: Connection, reading: Reading, table: str, page_size: int) -> None:
        self._connection, self._reading, self._table, self._page_size = connection, reading, table, page_size
        self._kinds = {kind.arm_type.lower(): kind for kind in catalogue.in_table(table)}

    def items(self, subscriptions: Sequence[str]) -> Iterator[Item]:
        """All resources of the table's types, and `Incomplete` for each type of a subscription that cannot be proven complete."""
        believed = []
        for subscription, refused in _each(self._refused, subscriptions):
            yield from (incomplete for kind, error in refused for incomplete in self._unread(kind, subscription, error))
            if len(refused) < len(self._kinds):
                believed.append(subscription)
        if believed:
            yield from self._read(believed)

    def _refused(self, subscription: str) -> list[tuple[AzureKind, ScopeError]]:
        """The types that the caller may not read in the subscription, and why."""
        path = PERMISSIONS_PATH.replace("{subscription}", subscription)
        try:
            allowed = Permissions(self._connection.list(path, PERMISSIONS_VERSION, permission=catalogue.PERMISSIONS_READ))
        except ScopeError as error:
            return [(kind, error) for kind in self._kinds.values()]
        return [(kind, _missing(kind.action)) for kind in self._kinds.values() if not allowed.allow(kind.action)]

    def _read(self, subscriptions: Sequence[str]) -> Iterator[Item]:
        """The rows of some subscriptions. When the query is refused, each half of them is asked for by itself: one ends no other."""
        seen: set[int] = set()
        try:
            for row in self._rows(subscriptions, _COLUMNS):
                seen.add(hash(str(row.get("id")).lower()))
                yield from self._placed(row)
        except ScopeError as error:
            if len(subscriptions) > 1 and not isinstance(error, Throttled | TimedOut):
                middle = len(subscriptions) // 2
                yield from self._read(subscriptions[:middle])
                yield from self._read(subscriptions[middle:])
                return
            for subscription in subscriptions:
                for kind in self._kinds.values():
                    yield from self._unread(kind, subscription, error)
            return
        for _, found in _each(functools.partial(self._confirmed, seen), subscriptions):
            yield from found

    def _rows(self, subscriptions: Sequence[str], columns: Sequence[str]) -> Iterator[Document]:
        names = ", ".join(f"'{name}'" for name in self._kinds)
        query = f"{self._table} | where type in~ ({names}) | project {', '.join(columns)} | order by id asc"

        def ask(offset: int, size: int) -> Page:
            options = {"$top": size, "$skip": offset, "resultFormat": "objectArray"}
            body = {"subscriptions": list(subscriptions), "query": query, "options": options}
            return _page(self._connection.post(GRAPH_PATH, GRAPH_VERSION, body), offset)

        return items(by_offset(ask, what=f"Resource Graph's table {self._table}", size=self._page_size, key=_id))

    def _placed(self, row: Document) -> Iterator[Placed]:
        """The resource of a row and those inside it, each with its scope."""
        kind, subscription = self._kinds[str(row["type"]).lower()], subscription_of(str(row.get("id")))
        for below in catalogue.beneath(kind):
            for found in self._reading.inside(below, row, subscription):
                yield Placed(scope_of(below, subscription), found)
        yield Placed(scope_of(kind, subscription), self._reading.resource(kind, {**row, "type": str(row["type"]).lower()}, subscription))

    def _unread(self, kind: AzureKind, subscription: str, error: ProviderError) -> Iterator[Placed]:
        for one in catalogue.together(kind):
            yield Placed(scope_of(one, subscription), Incomplete.because(one.sub_type, error))

    # What the graph lacks

    def _confirmed(self, seen: set[int], subscription: str) -> list[Item]:
        """Returns the resources of a subscription that the graph lacks, or `Incomplete` where they cannot be read."""
        path = RESOURCES_PATH.replace("{subscription}", subscription)
        lacking: dict[str, list[str]] = {}
        try:
            for item in self._connection.list(path, RESOURCES_VERSION, **{"$top": "1000"}):
                kind = self._kinds.get(str(item.get("type")).lower())
                if kind and hash(str(item.get("id")).lower()) not in seen:
                    lacking.setdefault(kind.arm_type.lower(), []).append(str(item["id"]))
        except (Denied, Unsupported):
            return self._read_again(seen, subscription)
        except ScopeError as error:
            return [item for kind in self._kinds.values() for item in self._unread(kind, subscription, error)]
        return [item for name, ids in lacking.items() for item in self._asked_for(self._kinds[name], subscription, ids)]

    def _read_again(self, seen: set[int], subscription: str) -> list[Item]:
        """Types of which a second reading of the graph knows more than the first."""
        rows = self._rows([subscription], ("id", "type"))
        lagging = {str(row["type"]).lower() for row in rows if hash(str(row["id"]).lower()) not in seen}
        error = ScopeError("two readings of Resource Graph differ: it lags behind Azure, so that resources may be missing")
        return [item for name in lagging for item in self._unread(self._kinds[name], subscription, error)]

    def _asked_for(self, kind: AzureKind, subscription: str, ids: list[str]) -> list[Item]:
        """The resources of these ids that exist, each asked for by itself."""
        if len(ids) > CONFIRMED_EACH:
            error = ScopeError(f"Resource Graph lacks {len(ids)} resources that Resource Manager lists: it lags behind Azure")
            return list(self._unread(kind, subscription, error))
        found: list[Item] = []
        for arm_id in ids:
            try:
                document = self._connection.get(arm_id, kind.version)
            except Gone:
                continue
            except ScopeError as error:
                found += self._unread(kind, subscription, error)
                continue
            found += self._placed({column: document[column] for column in _COLUMNS if column in document})
        return found


def _page(answer: Mapping[str, Any], offset: int) -> Page:
    rows = answer.get("data") or []
    total = answer.get("totalRecords")
    more = answer.get("resultTruncated") == "true" or bool(answer.get("$skipToken"))
    return Page(rows, more or (isinstance(total, int) and offset + len(rows) < total))


def _id(row: Document) -> str:
    return str(row["id"]).lower()


def _missing(action: str) -> ScopeError:
    return Denied(f"the permission {action} is missing; the role Reader has it", permission=action)


def _each(call: Any, subscriptions: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """The results of a call for each subscription, some at a time."""
    known = list(subscriptions)
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        yield from zip(known, pool.map(call, known), strict=True)
