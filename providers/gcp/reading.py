"""One read: the list of a type in one project, folder or organization, and the lists under its items."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from typing import Any

import msgspec

from providers.catalogue import paths
from providers.errors import DataError, ScopeError
from providers.gcp import catalogue
from providers.gcp.declaration import GcpKind, resource_name
from providers.gcp.listing import Apis, parts_of
from providers.gcp.shape import GcpShape
from providers.gcp.troubles import Troubles
from providers.google.causes import NotFound
from providers.pages import Page
from providers.provider import Item
from providers.records import Incomplete, Organization, Resource

GCP = Organization("gcp", "GCP")

AT_ONCE = 32
"""Items whose lists are asked for before the next ones are: bounds what is held in memory."""

GIVE_UP = 20
"""Number of consecutive refused lists after which those under the other items are not requested."""


def organizations(project: str) -> tuple[Organization, ...]:
    """The organizations of a project: ``GCP`` > ``GCP Project: my-project``; of a folder or an organization: ``GCP``."""
    if "/" in project:
        return (GCP,)
    return GCP, Organization(f"gcp:{project}", f"GCP Project: {project}", GCP.external_id)


class Parent(msgspec.Struct, frozen=True):
    """An item under which there are lists, and its external id."""

    item: Mapping[str, Any]
    external_id: str


NO_PARENT = Parent({}, "")

Listed = Callable[[str], Iterable[Page]]
"""The pages of a list by its method."""


class Reading:
    """Reads a type and the types under it in one project, folder or organization.

    Lists under items are asked for on `pool`, several at once.
    """

    def __init__(
        self, apis: Apis, shape: GcpShape, pool: Executor, kind: GcpKind, project: str, page_size: int | None, listed: Listed | None = None
    ) -> None:
        """`listed` gives the pages of the type by its method; None: the list of its own API."""
        self._apis, self._shape, self._pool = apis, shape, pool
        self.kind, self._project, self._page_size = kind, project, page_size
        self._list = listed or (lambda method: apis.pages(kind, method, project, page_size))
        self._organization = organizations(project)[-1].external_id
        self._troubles = {one.sub_type: Troubles(one, project) for one in catalogue.family(kind.sub_type)}
        self._gone: dict[str, set[str]] = {}
        self._refused: dict[str, int] = {}

    def __call__(self) -> Iterator[Item]:
        """Everything there is, and `Incomplete` for what could not be read. Raises a `ProviderError`."""
        yield from organizations(self._project)
        seen: set[str] = set()
        for method in self.kind.methods_of(self._project):
            for resource in self._listed(self.kind, method, self._list(method), NO_PARENT):
                if self._is_new(resource, seen):
                    yield resource
        yield from self.reports()
        yield from self._unproven()

    def _unproven(self) -> Iterator[Incomplete]:
        """The reason why a list from which Google leaves things out may not be whole, for the type and all that is under it."""
        try:
            if self.kind.filtered:
                self._apis.ensure_all_shown(self.kind, self._project)
        except ScopeError as error:
            yield from (Incomplete.because(one.sub_type, error) for one in catalogue.shown(self.kind.sub_type))

    def made(self, items: Iterable[Any]) -> Iterator[Resource]:
        """The resources of items that were read elsewhere, and of what is listed under them."""
        return self._made(self.kind, items, NO_PARENT)

    def unreadable(self, sentence: str) -> None:
        """Notes an item of the type that was left out; `sentence` says why."""
        self._troubles[self.kind.sub_type].without_id(sentence)

    def reports(self) -> Iterator[Incomplete]:
        """`Incomplete` for each type of which something could not be read; asked for after everything else."""
        self._look_for_the_gone()
        for kind in catalogue.family(self.kind.sub_type):
            if not kind.hidden:
                yield from self._troubles[kind.sub_type].reports()
        for kind in catalogue.family(self.kind.sub_type):
            yield from self._reports_below(kind)

    def _reports_below(self, kind: GcpKind) -> Iterator[Incomplete]:
        """The troubles of a type as those of all types under it: what is under an item that was not listed was not read either."""
        for report in self._troubles[kind.sub_type].reports():
            for one in catalogue.shown(kind.sub_type):
                if one is not kind:
                    yield msgspec.structs.replace(report, resource_type=one.sub_type)

    def _is_new(self, resource: Resource, seen: set[str]) -> bool:
        """True unless another list of the same type has shown the resource."""
        if not self.kind.also:
            return True
        known = resource.external_id in seen
        seen.add(resource.external_id)
        return not known

    def _listed(self, kind: GcpKind, method: str, found: Iterable[Page], parent: Parent) -> Iterator[Resource]:
        """The resources of the pages of a list, and those under each page's items."""
        for page in found:
            _note(self._troubles[kind.sub_type], method, page)
            yield from self._made(kind, page.items, parent)

    def _made(self, kind: GcpKind, items: Iterable[Any], parent: Parent) -> Iterator[Resource]:
        """The resources of items, and of what is under them."""
        parents: list[Parent] = []
        under = catalogue.children(kind.sub_type)
        for item in items:
            resource = self._resource(kind, item, parent)
            if resource is None:
                continue
            if not kind.hidden:
                yield resource
            if under:
                parents.append(Parent(item, resource.external_id))
        for child in under:
            yield from self._under(child, parents)

    def _resource(self, kind: GcpKind, item: Any, parent: Parent) -> Resource | None:
        """The resource of an item, or None for one without an id, which is counted and named."""
        troubles = self._troubles[kind.sub_type]
        if not isinstance(item, dict):
            troubles.without_id(f"a {kind.sub_type} that is not an object")
            return None
        try:
            return self._shaped(kind, item, parent)
        except DataError as error:
            troubles.without_id(f"{error}{_known_as(item)}")
            return None

    def _shaped(self, kind: GcpKind, item: Mapping[str, Any], parent: Parent) -> Resource:
        context = {
            "project": self._project,
            "resource": resource_name(self._project),
            "owner": self._shape.owner(item, self._project),
            "parent": parent.external_id,
        }
        return self._shape.resource(kind, item, context, organization=self._organization)

    # Lists under items

    def _under(self, kind: GcpKind, parents: list[Parent]) -> Iterator[Resource]:
        if kind.is_inline:
            for parent in parents:
                yield from self._made(kind, paths.values(parent.item, kind.items), parent)
            return
        rest = iter(parents)
        while some := list(itertools.islice(rest, AT_ONCE)):
            if self._refused.get(kind.sub_type, 0) >= GIVE_UP:
                self._troubles[kind.sub_type].parents_skipped(len(some) + len(list(rest)))
                return
            answers = self._pool.map(lambda parent: self._asked(kind, parent), some)
            for parent, answer in zip(some, answers, strict=True):
                yield from self._taken(kind, parent, answer)

    def _asked(self, kind: GcpKind, parent: Parent) -> list[Page] | ScopeError:
        """The pages of the list under an item, or why it could not be read."""
        try:
            return list(self._apis.pages(kind, kind.method, self._project, self._page_size, parent.item))
        except ScopeError as error:
            return error

    def _taken(self, kind: GcpKind, parent: Parent, answer: list[Page] | ScopeError) -> Iterator[Resource]:
        troubles, name = self._troubles[kind.sub_type], _end(parent.external_id)
        if isinstance(answer, NotFound) and kind.under == self.kind.sub_type:
            self._gone.setdefault(kind.sub_type, set()).add(parent.external_id)
        elif isinstance(answer, ScopeError):
            self._refused[kind.sub_type] = self._refused.get(kind.sub_type, 0) + 1
            troubles.parent_failed(name, answer)
        else:
            self._refused[kind.sub_type] = 0
            troubles.parent_read()
            yield from self._listed(kind, kind.method, answer, parent)

    def _look_for_the_gone(self) -> None:
        """Lists once more where a list under an item was not found: an item that is still there has not been read."""
        listed = self._ids() if self._gone else set()
        for sub_type, ids in self._gone.items():
            unknown = f"; whether it is deleted is not known: {listed}" if isinstance(listed, ScopeError) else ""
            for external_id in sorted(ids if isinstance(listed, ScopeError) else ids & listed):
                what = catalogue.kind(sub_type).what
                error = NotFound(f"Google lists {external_id} and does not find it (404): cannot {what}{unknown}")
                self._troubles[sub_type].parent_failed(_end(external_id), error)

    def _ids(self) -> set[str] | ScopeError:
        """The ids of all items of the list, or why they are not known: the list could not be read, or says that something is missing."""
        again, ids = Troubles(self.kind, self._project), set[str]()
        try:
            for method in self.kind.methods_of(self._project):
                for page in self._list(method):
                    _note(again, method, page)
                    ids.update(self._shaped(self.kind, item, NO_PARENT).external_id for item in page.items)
        except DataError as error:
            return ScopeError(str(error))
        except ScopeError as error:
            return error
        return next((ScopeError(report.message) for report in again.reports()), ids)


def _note(troubles: Troubles, method: str, page: Page) -> None:
    """Notes what a page, and each of its parts, says is missing."""
    answer = page.answer or {}
    troubles.part("", answer)
    for place, part in parts_of(method, answer):
        troubles.part(place, part)


def _end(external_id: str) -> str:
    return external_id.rsplit("/", 1)[-1]


def _known_as(item: Mapping[str, Any]) -> str:
    """The end of a sentence about an item without an id: its name, where it has one."""
    found = next((str(item[key]) for key in ("name", "displayName", "id", "selfLink") if item.get(key)), "")
    return f": {found[:200]}" if found else ""
