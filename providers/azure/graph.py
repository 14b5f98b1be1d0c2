"""Azure Resource Graph: one query for a table and a batch of subscriptions, believed only as far as it can be proven complete.

Four things make it lie by omission, and each is checked:

- rows that the caller may not read are left out: the caller's permissions on each subscription are read first;
- its page tokens are offsets, so that a row that is deleted meanwhile hides another: pages overlap by one row (`providers.pages`);
- a truncated answer says so in a flag;
- its data lags behind Azure: Resource Manager's own list of each subscription names what is missing, and each is asked for by its id;
  where that list may not be read, or does not have the table's types, a second reading of the graph must find nothing new.
"""

from __future__ import annotations

import concurrent.futures
import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from providers.azure import catalogue
from providers.azure.client import Connection
from providers.azure.failure import Gone
from providers.azure.kinds import RESOURCES, AzureKind
from providers.azure.reading import RESOURCES_PATH, RESOURCES_READ, RESOURCES_VERSION, Reading
from providers.azure.rights import Rights, missing
from providers.azure.shape import subscription_of
from providers.counted import counted
from providers.errors import BadAnswer, Denied, ProviderError, ScopeError, Throttled, TimedOut, Unsupported
from providers.microsoft.partial import ensure_whole
from providers.pages import Page, by_offset, items
from providers.provider import Item
from providers.records import Incomplete, Placed, Scope

GRAPH_PATH, GRAPH_VERSION = "/providers/Microsoft.ResourceGraph/resources", "2022-10-01"

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

    def __init__(self, connection: Connection, reading: Reading, rights: Rights, table: str, page_size: int) -> None:
        self._connection, self._reading, self._rights, self._page_size = connection, reading, rights, page_size
        self._table = catalogue.Table(table)
        self._seen: set[int] = set()
        """Hashes of the ids that the graph has."""
        self._seen_types: set[str] = set()
        """Types that the graph has, in whichever subscription."""

    def items(self, subscriptions: Sequence[str]) -> Iterator[Item]:
        """All resources of the table's types, and `Incomplete` for each type of a subscription that cannot be proven complete."""
        believed = []
        for subscription, refused in _each(functools.partial(self._rights.refused, self._table.kinds), subscriptions):
            yield from (incomplete for kind, error in refused for incomplete in self._unread(kind, subscription, error))
            if len(refused) < len(self._table.kinds):
                believed.append(subscription)
        if believed:
            yield from self._read(believed)

    def _read(self, subscriptions: Sequence[str]) -> Iterator[Item]:
        """The rows of some subscriptions, and then what the graph lacks: which types it has is known once all have been asked for."""
        answered: list[Sequence[str]] = []
        yield from self._queried(subscriptions, answered)
        if self._table.name != RESOURCES:
            for some in answered:
                yield from self._read_again(some)
            return
        for _, found in _each(self._confirmed, itertools.chain.from_iterable(answered)):
            yield from found

    def _queried(self, subscriptions: Sequence[str], answered: list[Sequence[str]]) -> Iterator[Item]:
        """The rows of some subscriptions, which are added to `answered` as one query had them.

        When the query is refused, each half of them is asked for by itself: one ends no other.
        """
        try:
            for row in self._rows(subscriptions, _COLUMNS, self._seen):
                self._seen_types.add(_type(row))
                yield from self._placed(row)
        except ScopeError as error:
            if len(subscriptions) > 1 and not isinstance(error, Throttled | TimedOut):
                middle = len(subscriptions) // 2
                yield from self._queried(subscriptions[:middle], answered)
                yield from self._queried(subscriptions[middle:], answered)
                return
            for subscription in subscriptions:
                for kind in self._table.kinds:
                    yield from self._unread(kind, subscription, error)
            return
        answered.append(subscriptions)

    def _rows(self, subscriptions: Sequence[str], columns: Sequence[str], seen: set[int] | None = None) -> Iterator[Document]:
        names = ", ".join(f"'{name}'" for name in self._table.arm_types)
        only = "" if self._table.rest else f" | where type in~ ({names})"
        query = f"{self._table.name}{only} | project {', '.join(columns)} | order by id asc"

        def ask(offset: int, size: int) -> Page:
            options = {"$top": size, "$skip": offset, "resultFormat": "objectArray"}
            body = {"subscriptions": list(subscriptions), "query": query, "options": options}
            return _page(self._connection.post(GRAPH_PATH, GRAPH_VERSION, body), offset)

        return items(by_offset(ask, what=f"Resource Graph's table {self._table.name}", size=self._page_size, key=_id, seen=seen))

    def _placed(self, row: Document) -> Iterator[Placed]:
        """The resource of a row and those inside it, each with its scope."""
        kind, subscription = self._table.kind_of(row), subscription_of(str(row.get("id")))
        if kind is None:
            return
        for below in catalogue.beneath(kind):
            for found in self._reading.inside(below, row, subscription):
                yield Placed(scope_of(below, subscription), found)
        yield Placed(scope_of(kind, subscription), self._reading.resource(kind, {**row, "type": _type(row)}, subscription))

    def _unread(self, kind: AzureKind, subscription: str, error: ProviderError) -> Iterator[Placed]:
        for one in catalogue.together(kind):
            yield Placed(scope_of(one, subscription), Incomplete.because(one.sub_type, error))

    # What the graph lacks

    def _confirmed(self, subscription: str) -> list[Item]:
        """Returns the resources of a subscription that the graph lacks, or `Incomplete` where they cannot be read."""
        path = RESOURCES_PATH.replace("{subscription}", subscription)
        lacking: dict[AzureKind, list[Document]] = {}
        try:
            if not self._rights.allow(subscription, RESOURCES_READ):  # then the list would be silently short
                return list(self._read_again([subscription]))
            for item in self._connection.list(path, RESOURCES_VERSION, **{"$top": "1000"}):
                kind = self._table.kind_of(item)
                if kind and hash(_id(item)) not in self._seen:
                    lacking.setdefault(kind, []).append(item)
        except (Denied, Unsupported):
            return list(self._read_again([subscription]))
        except ScopeError as error:
            return [item for kind in self._table.kinds for item in self._unread(kind, subscription, error)]
        return [item for kind, documents in lacking.items() for item in self._asked_for(kind, subscription, documents)]

    def _read_again(self, subscriptions: Sequence[str]) -> Iterator[Item]:
        """Yields `Incomplete` for types of which a second reading of the graph knows more than the first."""
        lagging: set[tuple[str, AzureKind]] = set()
        for row in self._rows(subscriptions, ("id", "type", "kind")):
            kind = self._table.kind_of(row)
            if kind and hash(_id(row)) not in self._seen:
                lagging.add((subscription_of(str(row["id"])), kind))
        error = ScopeError("two readings of Resource Graph differ: it lags behind Azure, so that resources may be missing")
        for subscription, kind in lagging:
            yield from self._unread(kind, subscription, error)

    def _asked_for(self, kind: AzureKind, subscription: str, documents: list[Document]) -> list[Item]:
        """The resources of these documents of Resource Manager's list that exist, each asked for by itself."""
        if kind.rest:
            return list(self._others(kind, subscription, documents))
        if len(documents) > CONFIRMED_EACH:
            return list(self._unread(kind, subscription, _lag(len(documents))))
        found: list[Item] = []
        for arm_id in (str(document["id"]) for document in documents):
            try:
                document = self._connection.get(arm_id, kind.version)
            except Gone:
                continue
            except ScopeError as error:
                found += self._unread(kind, subscription, error)
                continue
            found += self._placed({column: document[column] for column in _COLUMNS if column in document})
        return found

    def _others(self, rest: AzureKind, subscription: str, documents: list[Document]) -> Iterator[Item]:
        """Resources of types that no kind declares. A type that the graph never has is as Resource Manager lists it: without properties."""
        lagging = []
        for document in documents:
            arm_type = str(document.get("type"))
            if not self._rights.allow(subscription, f"{arm_type}/read"):
                yield from self._unread(rest, subscription, missing(f"{arm_type}/read"))
            elif arm_type.lower() in self._seen_types:
                lagging.append(document)
            else:
                yield from self._placed({column: document[column] for column in _COLUMNS if column in document})
        if lagging:
            yield from self._unread(rest, subscription, _lag(len(lagging)))


def _type(row: Document) -> str:
    return str(row.get("type")).lower()


def _lag(count: int) -> ScopeError:
    return ScopeError(f"Resource Graph lacks {counted(count, 'resource')} that Resource Manager lists: it lags behind Azure")


def _page(answer: Mapping[str, Any], offset: int) -> Page:
    rows = answer.get("data")
    if not isinstance(rows, list):
        raise BadAnswer("Resource Graph answered with something that has no rows: is a proxy in between?")
    if not all(isinstance(row, dict) and row.get("id") for row in rows):
        raise BadAnswer("Resource Graph answered with a row that has no id")
    ensure_whole(answer, "Resource Graph answered")
    total, count = answer.get("totalRecords"), answer.get("count")
    if isinstance(count, int) and count != len(rows):
        raise BadAnswer(f"Resource Graph says that it sent {counted(count, 'row')} and sent {len(rows)}")
    more = str(answer.get("resultTruncated")).lower() == "true" or bool(answer.get("$skipToken"))
    return Page(rows, more or (isinstance(total, int) and offset + len(rows) < total))


def _id(row: Document) -> str:
    return str(row.get("id")).lower()


def _each(call: Any, subscriptions: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """The results of a call for each subscription, some at a time."""
    known = list(subscriptions)
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        yield from zip(known, pool.map(call, known), strict=True)
