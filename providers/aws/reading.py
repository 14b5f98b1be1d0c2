"""One read: the pages of a call, what further calls add to each item, and the resources that come of it."""

from __future__ import annotations

import concurrent.futures
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from providers.aws import credential_report, iam
from providers.aws.aliases import Aliases
from providers.aws.answers import Answers
from providers.aws.client import Sessions
from providers.aws.declaration import AwsKind
from providers.aws.details import Details
from providers.aws.failure import RAISED, is_any_of, is_gone
from providers.aws.iam import Page
from providers.aws.not_found import Missing, NotFoundItems, key_of
from providers.aws.shape import AwsShape, Item, is_own
from providers.aws.shared import Owners
from providers.aws.target import Calls, Target, as_item
from providers.aws.troubles import Troubles
from providers.catalogue import paths
from providers.concurrency import ahead
from providers.errors import DataError, ScopeError, Unsupported
from providers.provider import Item as Emitted
from providers.records import AsOf, Rejected

PARENTS_AT_ONCE = 8
"""Parents whose lists are begun at once."""


class Means(msgspec.Struct, frozen=True):
    """The state that all reads of a source share."""

    sessions: Sessions
    shape: AwsShape
    pool: concurrent.futures.Executor
    page_size: int | None
    reads_region: Callable[[str], bool]


class Reading:
    """Reads the kinds that come out of one call, in one target."""

    def __init__(self, means: Means, target: Target, kinds: tuple[AwsKind, ...]) -> None:
        self._means, self._target, self._kinds, self._lead = means, target, kinds, kinds[0]
        self._calls = self._calls_of(target, self._lead.service)
        self._aliases = Aliases(target, self._calls_of, means.reads_region)
        self._moments: list[AsOf] = []
        self._troubles, self._not_found = Troubles(self._lead, str(target)), NotFoundItems()
        self._details = Details(self._calls, target, self._troubles, self._not_found, means.pool)

    def _calls_of(self, target: Target, service: str) -> Calls:
        return Calls(self._means.sessions, target, service, self._means.page_size)

    def __call__(self) -> Iterator[Emitted]:
        """Everything there is. Raises a `ProviderError` when the list itself cannot be read to its end."""
        yield from self._target.organizations
        owners = Owners.of(self._calls, self._target, self._kinds)
        for page in self._pages():
            for kind, group in itertools.groupby(page, key=lambda found: found[0]):
                for item in self._details.completed(kind, [item for _, item in group]):
                    yield self._emitted(kind, item, owners)
        yield from self._moments
        yield from self._troubles.reports()
        again = Reading(self._means, msgspec.structs.replace(self._target, answers=Answers()), self._kinds)
        yield from self._not_found.reports(again.parent_keys(), again.item_keys())

    def parent_keys(self) -> Iterator[str]:
        """The keys of the parents that are listed now. Raises `ProviderError`."""
        return (self._parent_key(parent) for parent in self._parents())

    def item_keys(self) -> Iterator[str]:
        """The keys of the items that are listed now. Raises `ProviderError`, also where the list of a parent was not found this time."""
        yield from (self._details.key(kind, item) for page in self._pages() for kind, item in page)
        if lost := self._not_found.first_parent:
            raise lost.error

    def _parent_key(self, parent: Item) -> str:
        """Identifies a parent by what its list is asked with."""
        return key_of(self._calls.filled(self._lead.parameters, parent))

    def _emitted(self, kind: AwsKind, item: Item, owners: Owners) -> Emitted:
        organization = self._target.organizations[-1].external_id
        context: Mapping[str, str] = {**self._target.context, **owners.context}
        try:
            partial = (owners.unknown or self._aliases.unknown) and bool(kind.links)
            return self._means.shape.resource(kind, item, context, organization=organization, links_partial=partial)
        except DataError as error:
            name = next((str(value) for value in item.values() if isinstance(value, str)), "one")
            return Rejected(kind.sub_type, name, f"{error} came from {self._target}")

    # The list

    def _pages(self) -> Iterator[Page]:
        found = self._listed()
        if self._lead.service == "iam" and len(self._kinds) > 1:
            return iam.with_principals(iam.with_group_arns(found), self._target.account.partition)
        return self._aliases.with_targets(found) if self._lead.sub_type == "route53_record" else found

    def _listed(self) -> Iterator[Page]:
        """The pages of the list; where each of several parents has one, those are begun ahead."""
        if self._lead.under is None:
            yield from self._list_of({})()
            return
        for pages in ahead(self._means.pool, self._begun, self._parents(), PARENTS_AT_ONCE):
            yield from pages()

    def _list_of(self, parent: Item) -> Callable[[], Iterator[Page]]:
        answers = self._calls.pages(self._lead.operation, self._calls.filled(self._lead.parameters, parent))
        return lambda: self._pages_of(answers, parent)

    def _begun(self, parent: Item) -> Callable[[], Iterator[Page]]:
        """The list of a parent with its first page read; what that raises is raised when the list is read."""
        pages = self._list_of(parent)()
        try:
            first = next(pages, None)
        except (*RAISED, ScopeError) as error:
            return _raising(error)
        return lambda: itertools.chain((first,) if first is not None else (), pages)

    def _pages_of(self, answers: Iterator[Any], parent: Item) -> Iterator[Page]:
        try:
            for answer in answers:
                self._note_moment(answer)
                yield [(kind, item) for kind in self._kinds for item in self._items(kind, answer, parent)]
        except RAISED as error:
            ours = self._calls.translated(error, self._lead.permission_for())
            if not self._spares_the_others(error, ours, parent):
                raise ours from error

    def _note_moment(self, answer: Any) -> None:
        """Keeps the time at which AWS made an answer, where it gives one that is not now."""
        moments = (AsOf(kind.sub_type, moment) for kind in self._kinds if kind.as_of for moment in paths.values(answer, kind.as_of))
        self._moments.extend(moments)

    def _parents(self) -> Iterator[Item]:
        """Yields the items that have a list of this kind each."""
        assert self._lead.under is not None
        try:
            yield from self._calls.parents(self._lead.under)
        except RAISED as error:
            raise self._calls.translated(error, self._refused_listing(error)) from error

    def _refused_listing(self, error: Exception) -> str:
        """The permission for that of the listings which failed."""
        failed = getattr(error, "operation_name", "")
        listings = self._lead.listings
        return self._lead.permission_for(next((listing for listing in listings if listing.operation == failed), listings[-1]))

    def _spares_the_others(self, error: Exception, ours: Exception, parent: Item) -> bool:
        """True when the error is about one parent only: it is gone since, or has no such list, which is not to say an empty one."""
        if is_any_of(error, self._lead.unsupported):
            self._troubles.add_parent(Unsupported(f"{self._lead.permission_for()} is not available for all in {self._target}: {error}"))
            return True
        if self._lead.under is None or not is_gone(error) or not isinstance(ours, ScopeError):
            return False
        self._not_found.parent(self._parent_key(parent), Missing(tuple(kind.sub_type for kind in self._kinds), ours))
        return True

    def _items(self, kind: AwsKind, answer: Any, parent: Item) -> Iterator[Item]:
        found = paths.values(answer, kind.items)
        for value in itertools.chain.from_iterable(map(credential_report.rows, found)) if kind.table else found:
            item = {**parent, **as_item(value, kind.scalar)}
            if is_own(kind, item, self._target.account.id):
                yield item


def _raising(error: Exception) -> Callable[[], Iterator[Page]]:
    def pages() -> Iterator[Page]:
        raise error

    return pages
