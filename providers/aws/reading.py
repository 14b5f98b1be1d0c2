"""One read: the pages of a call, what further calls add to each item, and the resources that come of it."""

from __future__ import annotations

import collections
import concurrent.futures
import functools
import itertools
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from providers import catalogue
from providers.aws import iam, shape
from providers.aws.client import Account, Sessions
from providers.aws.declaration import Batch, Detail, Kind
from providers.aws.failure import code_of, is_denied, translate
from providers.aws.iam import Page
from providers.aws.paging import pages
from providers.aws.shape import Item
from providers.errors import DataError, Outcome, ScopeError, TimedOut, Unsupported
from providers.provider import Item as Emitted
from providers.records import Incomplete, Organization

AWS = Organization("aws", "AWS")
_RAISED = (ClientError, BotoCoreError, ResponseParserError)
_GONE = ("NotFound", "NoSuch", "DoesNotExist", "NonExistent")


class Place(msgspec.Struct, frozen=True):
    """Where a read happens. `region` is empty for what belongs to the whole account, which is then read from `endpoint`."""

    account: Account
    region: str
    endpoint: str

    @property
    def context(self) -> dict[str, str]:
        """What the catalogue's texts may name besides an item's own fields."""
        return {"partition": self.account.partition, "account": self.account.id, "region": self.endpoint}

    @property
    def organizations(self) -> tuple[Organization, ...]:
        """``AWS`` > ``AWS us-east-1``."""
        return (AWS, Organization(f"aws:{self.region}", f"AWS {self.region}", AWS.external_id)) if self.region else (AWS,)

    def __str__(self) -> str:
        return f"{self.region} of account {self.account.id}" if self.region else f"account {self.account.id}"


class Reading:
    """Reads the kinds that come out of one call, in one place."""

    def __init__(
        self, sessions: Sessions, place: Place, kinds: tuple[Kind, ...], page_size: int | None, pool: concurrent.futures.Executor
    ) -> None:
        self._sessions, self._place, self._kinds, self._page_size, self._pool = sessions, place, kinds, page_size, pool
        self._lead = kinds[0]
        self._troubles = _Troubles(self._lead, str(place))

    def __call__(self) -> Iterator[Emitted]:
        """Everything there is. Raises a `ProviderError` when the list itself cannot be read to its end."""
        yield from self._place.organizations
        organization = self._place.organizations[-1].external_id
        for page in self._pages():
            for kind, group in itertools.groupby(page, key=lambda found: found[0]):
                for item in self._completed(kind, [item for _, item in group]):
                    try:
                        yield shape.resource(kind, item, self._place.context, organization)
                    except DataError as error:
                        yield Incomplete(kind.sub_type, Outcome.ERROR, f"{error} came from {self._place}")
        yield from self._troubles.reports()

    @functools.cached_property
    def _client(self) -> Any:
        return self._place.account.client(self._lead.service, self._place.endpoint)

    # The list

    def _pages(self) -> Iterator[Page]:
        found = self._listed()
        return iam.with_group_arns(found) if self._lead.service == "iam" and len(self._kinds) > 1 else found

    def _listed(self) -> Iterator[Page]:
        for above in self._above():
            parameters = self._filled(self._lead.parameters, above)
            for answer in self._call(self._lead.operation, parameters, self._lead.permission_for()):
                yield [(kind, item) for kind in self._kinds for item in self._items(kind, answer, above)]

    def _above(self) -> Iterator[Item]:
        """The things under which there is something to list; usually just the account."""
        under = self._lead.under
        if under is None:
            yield {}
            return
        for answer in self._call(under.operation, under.parameters, self._lead.permission_for(under)):
            for value in catalogue.values(answer, under.items):
                yield _as_item(value, under.scalar)

    def _items(self, kind: Kind, answer: Any, above: Item) -> Iterator[Item]:
        for value in catalogue.values(answer, kind.items):
            item = {**above, **_as_item(value, kind.scalar)}
            if shape.is_own(kind, item, self._place.account.id):
                yield item

    def _call(self, operation: str, parameters: Item, permission: str) -> Iterator[Any]:
        """All pages of a call, with what botocore raises turned into our errors."""
        try:
            yield from self._answers(operation, parameters)
        except _RAISED as error:
            raise self._translated(error, permission) from error

    def _answers(self, operation: str, parameters: Item) -> Iterator[Any]:
        paging = self._sessions.paging(self._lead.service, self._client, operation)
        return pages(getattr(self._client, xform_name(operation)), parameters, paging, self._page_size)

    def _translated(self, error: Exception, permission: str) -> Exception:
        service, region = self._lead.service, self._place.region
        ours = translate(error, permission, str(self._place)) or error
        if isinstance(ours, TimedOut) and region and not self._sessions.offers(service, region):
            return Unsupported(f"AWS does not offer {service} in {region}", detail=str(error))
        return ours

    def _filled(self, parameters: Item, item: Item) -> Item:
        context = self._place.context
        return {key: catalogue.fill(value, item, context) if isinstance(value, str) else value for key, value in parameters.items()}

    # What further calls add

    def _completed(self, kind: Kind, items: list[Item]) -> list[Item]:
        for batch in kind.batches:
            items = [item for chunk in _chunks(items, batch.size) for item in self._joined(kind, batch, chunk)]
        if kind.details and items:
            self._troubles.items += len(items)
            items = [item for item in self._pool.map(functools.partial(self._detailed, kind), items) if item is not None]
        return items

    def _joined(self, kind: Kind, batch: Batch, items: list[Item]) -> list[Item]:
        """The items with what the batch's answer has for each of them. What it does not know any more is gone."""
        wanted = [catalogue.first(item, batch.value) for item in items]
        parameters = {**self._filled(batch.parameters, items[0]), batch.parameter: wanted}
        answers = self._call(batch.operation, parameters, kind.permission_for(batch))
        found = {catalogue.first(value, batch.key): value for answer in answers for value in catalogue.values(answer, batch.items)}
        return [{**item, **found[key]} for item, key in zip(items, wanted, strict=True) if key in found]

    def _detailed(self, kind: Kind, item: Item) -> Item | None:
        """The item with all its details, or None when it has gone, or could not be read now and is better left as it was."""
        unreadable = []
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
        return {**item, "Unreadable": unreadable} if unreadable else item

    def _detail(self, detail: Detail, item: Item, permission: str) -> Any:
        answers = self._answers(detail.operation, self._filled(detail.arguments, item))
        try:
            if detail.result.endswith("[]"):
                return [value for answer in answers for value in catalogue.values(answer, detail.result)]
            return catalogue.first(next(answers), detail.result)
        except _RAISED as error:
            code = code_of(error)
            if code in detail.absent:
                return None
            if is_denied(error):
                raise _Refused from error
            if any(word in code for word in _GONE):
                raise _Gone from error
            raise self._translated(error, permission) from error


class _Troubles:
    """What went wrong with single items: it must not hide in a list that was read to its end."""

    def __init__(self, kind: Kind, place: str) -> None:
        self._kind, self._place = kind, place
        self._lock = threading.Lock()
        self._refusals: collections.Counter[str] = collections.Counter()
        self.items = 0
        self.passing: ScopeError | None = None

    def refused(self, permission: str) -> None:
        """One item could not be read in full for want of this permission."""
        with self._lock:
            self._refusals[permission] += 1

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


def _as_item(value: Any, scalar: str) -> Item:
    return {scalar: value} if scalar else dict(value)


def _merge(item: Item, detail: Detail, found: Any) -> None:
    if found in (None, [], {}):
        return
    item.update({detail.into: found} if detail.into else found)


def _chunks(items: list[Item], size: int) -> Iterator[list[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))
