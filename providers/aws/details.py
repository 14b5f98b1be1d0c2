"""Further calls for the items of a list: tags, details of each item, answers for many items at once.

A call that fails is the trouble of its items alone. They are emitted with the names of what could not be read, and the store keeps the
last values of these. Only refused credentials and a silent region end the reading.
"""

from __future__ import annotations

import concurrent.futures
import functools
from collections.abc import Iterable, Iterator
from typing import Any

from providers.aws.declaration import TAGS, AwsKind, Batch, Detail, arn
from providers.aws.failure import RAISED, is_any_of, is_gone
from providers.aws.not_found import Missing, NotFoundItems, key_of
from providers.aws.shape import Item
from providers.aws.target import Calls, Target
from providers.aws.troubles import Troubles
from providers.catalogue import paths
from providers.errors import BadAnswer, ScopeError
from providers.records import UNREADABLE, UNREADABLE_TAGS

MISSING = "MISSING"
"""The reason that ECS gives for what is not there."""

_LEFT_OUT = {"reason": "the answer leaves it out"}


class Details:
    """Completes the items of a list in one target."""

    def __init__(
        self, calls: Calls, target: Target, troubles: Troubles, not_found: NotFoundItems, pool: concurrent.futures.Executor
    ) -> None:
        self._calls, self._target, self._troubles, self._not_found, self._pool = calls, target, troubles, not_found, pool

    def key(self, kind: AwsKind, item: Item) -> str:
        """Identifies an item of the list by what further calls are asked for it."""
        arguments = self._calls.filled(kind.details[0].arguments, item) if kind.details else None
        return key_of(kind.sub_type, arguments, [paths.first(item, batch.value) for batch in kind.batches])

    def completed(self, kind: AwsKind, items: list[Item]) -> list[Item]:
        """The items with everything that can be read of them; without those that are gone since they were listed."""
        self._troubles.items += len(items)
        for batch in kind.batches:
            items = [item for chunk in _chunks(items, batch.size) for item in self._joined(kind, batch, chunk)]
        if kind.tagged_as and items:
            items = self._tagged(kind, items)
        if kind.details:
            items = [item for item in self._pool.map(functools.partial(self._detailed, kind), items) if item is not None]
        return items

    def _tagged(self, kind: AwsKind, items: list[Item]) -> list[Item]:
        """The items with their tags: one call gives those of everything in the target."""
        permission = kind.permission_for(TAGS)
        try:
            tags = self._calls.tags()
        except RAISED as error:
            self._troubles.add(self._scope_error(error, permission), permission, len(items))
            return [_marked(kind, item, (kind.tags,)) for item in items]
        ids = (paths.fill(arn(kind.id), item, self._target.context) for item in items)
        return [{**item, kind.tags: tags[id_]} if id_ in tags else item for id_, item in zip(ids, items, strict=True)]

    def _joined(self, kind: AwsKind, batch: Batch, items: list[Item]) -> list[Item]:
        """The items with what the batch's answer has for each of them.

        An item is gone when the answer says so; one that it leaves out without a word could not be read. Where the whole call is refused
        because one of several is gone, each half of them is asked for by itself.
        """
        wanted = [paths.first(item, batch.value) for item in items]
        parameters = {**self._calls.filled(batch.parameters, items[0]), batch.parameter: wanted}
        permission = kind.permission_for(batch)
        try:
            answers = list(self._calls.pages(batch.operation, parameters))
        except RAISED as error:
            ours = self._scope_error(error, permission)
            if not is_gone(error):
                return self._unread(kind, batch, items, ours)
            if len(items) == 1:
                self._not_found.item(self.key(kind, items[0]), Missing((kind.sub_type,), ours))
            return [one for half in _halves(items) for one in self._joined(kind, batch, half)]
        found = {paths.first(value, batch.key): value for answer in answers for value in paths.values(answer, batch.items)}
        failures = [failure for answer in answers for failure in paths.values(answer, batch.failures)] if batch.failures else []
        failed = {failure.get("arn"): failure for failure in failures}
        joined: list[Item] = []
        for item, key in zip(items, wanted, strict=True):
            if key in found:
                joined.append({**item, **found[key]})
            elif (failure := failed.get(key, _LEFT_OUT)).get("reason") != MISSING:
                sentence = f"AWS could not tell {permission} of {key} ({failure.get('reason')})"
                joined += self._unread(kind, batch, [item], BadAnswer(sentence, detail=str(failure.get("detail") or "")))
        return joined

    def _unread(self, kind: AwsKind, batch: Batch, items: list[Item], error: ScopeError) -> list[Item]:
        """The items of a batch that could not be read, with the names of what they lack."""
        self._troubles.add(error, kind.permission_for(batch), len(items))
        given = self._calls.members(batch.operation, batch.items)
        return [_marked(kind, item, given) for item in items]

    def _detailed(self, kind: AwsKind, item: Item) -> Item | None:
        """The item with all its details; None for one that is gone and that nothing but the detail could name."""
        gone: ScopeError | None = None
        listed = self.key(kind, item)
        for detail in kind.details:
            try:
                _merge(item, detail, self._detail(detail, item))
            except RAISED as error:
                permission = kind.permission_for(detail)
                ours = self._scope_error(error, permission)
                item = _marked(kind, item, self._given(detail))
                if is_gone(error):
                    gone = gone or ours
                else:
                    self._troubles.add(ours, permission)
        if gone is None or paths.fill(arn(kind.id), item, self._target.context):
            return item
        self._not_found.item(listed, Missing((kind.sub_type,), gone))
        return None

    def _detail(self, detail: Detail, item: Item) -> Any:
        answers = self._calls.pages(detail.operation, self._calls.filled(detail.arguments, item))
        try:
            if detail.result.endswith("[]"):
                return [value for answer in answers for value in paths.values(answer, detail.result)]
            return paths.first(next(answers), detail.result)
        except RAISED as error:
            if is_any_of(error, detail.absent):
                return None
            raise

    def _given(self, detail: Detail) -> Iterable[str]:
        """The keys that a detail adds to an item."""
        return (detail.into,) if detail.into else detail.gives or self._calls.members(detail.operation, detail.result)

    def _scope_error(self, error: Exception, permission: str) -> ScopeError:
        """Our error, when it is an item's trouble. Raises the others."""
        ours = self._calls.translated(error, permission)
        if isinstance(ours, ScopeError):
            return ours
        raise ours from error


def _marked(kind: AwsKind, item: Item, keys: Iterable[str]) -> Item:
    """The item with the names of what could not be read of it."""
    lost = {UNREADABLE_TAGS if key == kind.tags else key for key in keys if key not in item and key not in kind.omit}
    return {**item, UNREADABLE: sorted({*item.get(UNREADABLE, ()), *lost})}


def _halves(items: list[Item]) -> tuple[list[Item], ...]:
    middle = len(items) // 2
    return (items[:middle], items[middle:]) if middle else ()


def _merge(item: Item, detail: Detail, found: Any) -> None:
    if found in (None, [], {}):
        return
    item.update({detail.into: found} if detail.into else found)


def _chunks(items: list[Item], size: int) -> Iterator[list[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))
