"""One read: the pages of a call, what further calls add to each item, and the resources that come of it."""

from __future__ import annotations

import collections
import concurrent.futures
import functools
import itertools
import threading
from collections.abc import Iterator
from typing import Any

from providers.aws import iam
from providers.aws.client import Sessions
from providers.aws.declaration import TAGS, AwsKind, Batch, Detail, arn
from providers.aws.failure import RAISED, code_of, is_denied
from providers.aws.iam import Page
from providers.aws.place import Calls, Place, as_item
from providers.aws.shape import AwsShape, Item, is_own
from providers.catalogue import paths
from providers.errors import DataError, Outcome, ScopeError, Unsupported
from providers.provider import Item as Emitted
from providers.records import UNREADABLE, Incomplete

_GONE = ("NotFound", "NoSuch", "DoesNotExist", "NonExistent")


class Reading:
    """Reads the kinds that come out of one call, in one place."""

    def __init__(
        self,
        sessions: Sessions,
        place: Place,
        kinds: tuple[AwsKind, ...],
        page_size: int | None,
        pool: concurrent.futures.Executor,
        shape: AwsShape,
    ) -> None:
        self._place, self._kinds, self._pool, self._shape = place, kinds, pool, shape
        self._lead = kinds[0]
        self._calls = Calls(sessions, place, self._lead.service, page_size)
        self._troubles = _Troubles(self._lead, str(place))

    def __call__(self) -> Iterator[Emitted]:
        """Everything there is. Raises a `ProviderError` when the list itself cannot be read to its end."""
        yield from self._place.organizations
        organization = self._place.organizations[-1].external_id
        for page in self._pages():
            for kind, group in itertools.groupby(page, key=lambda found: found[0]):
                for item in self._completed(kind, [item for _, item in group]):
                    try:
                        yield self._shape.resource(kind, item, self._place.context, organization=organization)
                    except DataError as error:
                        yield Incomplete(kind.sub_type, Outcome.ERROR, f"{error} came from {self._place}")
        yield from self._troubles.reports()

    # The list

    def _pages(self) -> Iterator[Page]:
        found = self._listed()
        return iam.with_group_arns(found) if self._lead.service == "iam" and len(self._kinds) > 1 else found

    def _listed(self) -> Iterator[Page]:
        lead = self._lead
        for above in self._above():
            try:
                for answer in self._calls.pages(lead.operation, self._calls.filled(lead.parameters, above)):
                    yield [(kind, item) for kind in self._kinds for item in self._items(kind, answer, above)]
            except RAISED as error:
                if not self._spares_the_others(error):
                    raise self._calls.translated(error, lead.permission_for()) from error

    def _above(self) -> Iterator[Item]:
        """The things under which there is something to list; usually just the account."""
        under = self._lead.under
        if under is None:
            yield {}
            return
        try:
            yield from self._calls.things(under)
        except RAISED as error:
            raise self._calls.translated(error, self._refused_listing(error)) from error

    def _refused_listing(self, error: Exception) -> str:
        """The permission for that of the listings which failed."""
        failed = getattr(error, "operation_name", "")
        listings = self._lead.listings
        return self._lead.permission_for(next((listing for listing in listings if listing.operation == failed), listings[-1]))

    def _spares_the_others(self, error: Exception) -> bool:
        """Whether it is about one thing only: it has gone meanwhile, or has no such list, which is not to say an empty one."""
        code = code_of(error)
        if code in self._lead.unsupported:
            self._troubles.passing = Unsupported(f"{self._lead.permission_for()} is not available for all in {self._place}: {error}")
            return True
        return self._lead.under is not None and _is_gone(code)

    def _items(self, kind: AwsKind, answer: Any, above: Item) -> Iterator[Item]:
        for value in paths.values(answer, kind.items):
            item = {**above, **as_item(value, kind.scalar)}
            if is_own(kind, item, self._place.account.id):
                yield item

    def _call(self, operation: str, parameters: Item, permission: str) -> Iterator[Any]:
        """All pages of a call, with what botocore raises turned into our errors."""
        try:
            yield from self._calls.pages(operation, parameters)
        except RAISED as error:
            raise self._calls.translated(error, permission) from error

    # What further calls add

    def _completed(self, kind: AwsKind, items: list[Item]) -> list[Item]:
        for batch in kind.batches:
            items = [item for chunk in _chunks(items, batch.size) for item in self._joined(kind, batch, chunk)]
        if kind.tagged_as and items:
            items = self._tagged(kind, items)
        self._troubles.items += len(items)
        if kind.details:
            items = [item for item in self._pool.map(functools.partial(self._detailed, kind), items) if item is not None]
        return items

    def _tagged(self, kind: AwsKind, items: list[Item]) -> list[Item]:
        """The items with their tags: one call gives those of everything in the place."""
        permission = kind.permission_for(TAGS)
        try:
            tags = self._calls.tags()
        except RAISED as error:
            if not is_denied(error):
                raise self._calls.translated(error, permission) from error
            self._troubles.refused(permission, len(items))
            return [{**item, UNREADABLE: [TAGS.operation]} for item in items]
        ids = (paths.fill(arn(kind.id), item, self._place.context) for item in items)
        return [{**item, kind.tags: tags[id_]} if id_ in tags else item for id_, item in zip(ids, items, strict=True)]

    def _joined(self, kind: AwsKind, batch: Batch, items: list[Item]) -> list[Item]:
        """The items with what the batch's answer has for each of them. What it does not know any more is gone."""
        wanted = [paths.first(item, batch.value) for item in items]
        parameters = {**self._calls.filled(batch.parameters, items[0]), batch.parameter: wanted}
        answers = self._call(batch.operation, parameters, kind.permission_for(batch))
        found = {paths.first(value, batch.key): value for answer in answers for value in paths.values(answer, batch.items)}
        return [{**item, **found[key]} for item, key in zip(items, wanted, strict=True) if key in found]

    def _detailed(self, kind: AwsKind, item: Item) -> Item | None:
        """The item with all its details, or None when it has gone, or could not be read now and is better left as it was."""
        unreadable = list(item.get(UNREADABLE, ()))
        for detail in kind.details:
            permission = kind.permission_for(detail)
            try:
                _merge(item, detail, self._detail(detail, item, permission))
            except _Refused:
                unreadable.append(detail.operation)
                self._troubles.refused(permission)
            except _Gone:
                return None
            except ScopeError as error:
                self._troubles.passing = error
                return None
        return {**item, UNREADABLE: unreadable} if unreadable else item

    def _detail(self, detail: Detail, item: Item, permission: str) -> Any:
        answers = self._calls.pages(detail.operation, self._calls.filled(detail.arguments, item))
        try:
            if detail.result.endswith("[]"):
                return [value for answer in answers for value in paths.values(answer, detail.result)]
            return paths.first(next(answers), detail.result)
        except RAISED as error:
            code = code_of(error)
            if code in detail.absent:
                return None
            if is_denied(error):
                raise _Refused from error
            if _is_gone(code):
                raise _Gone from error
            raise self._calls.translated(error, permission) from error


class _Troubles:
    """What went wrong with single items: it must not hide in a list that was read to its end."""

    def __init__(self, kind: AwsKind, place: str) -> None:
        self._kind, self._place = kind, place
        self._lock = threading.Lock()
        self._refusals: collections.Counter[str] = collections.Counter()
        self.items = 0
        self.passing: ScopeError | None = None

    def refused(self, permission: str, times: int = 1) -> None:
        """Items could not be read in full for want of this permission."""
        with self._lock:
            self._refusals[permission] += times

    def reports(self) -> Iterator[Incomplete]:
        """At most one. A permission refused for some items only (a bucket's own policy) is noted and leaves the list complete."""
        if self.passing is not None:
            yield Incomplete(self._kind.sub_type, self.passing.outcome, str(self.passing))
        elif self._refusals:
            permission, times = self._refusals.most_common(1)[0]
            outcome = Outcome.DENIED if times == self.items else Outcome.COMPLETE
            sentence = f"the permission {permission} is missing for {times} of {self.items} in {self._place}: allow it to this user or role"
            yield Incomplete(self._kind.sub_type, outcome, sentence, permission)


class _Refused(Exception):
    """One item may not be read in full."""


class _Gone(Exception):
    """The item went away between the list and the look at it."""


def _is_gone(code: str) -> bool:
    return any(word in code for word in _GONE)


def _merge(item: Item, detail: Detail, found: Any) -> None:
    if found in (None, [], {}):
        return
    item.update({detail.into: found} if detail.into else found)


def _chunks(items: list[Item], size: int) -> Iterator[list[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))
