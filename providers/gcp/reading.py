"""One read: what a list of one project gives, and what it says it could not reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from providers.catalogue import paths
from providers.errors import DataError, Denied, Outcome, PageExpired
from providers.gcp import shape
from providers.gcp.catalogue import kind as kind_of
from providers.gcp.declaration import Kind
from providers.gcp.listing import Apis, Page
from providers.google.failure import NotFound
from providers.provider import Item
from providers.records import Incomplete, Organization

GCP = Organization("gcp", "GCP")

HARMLESS = frozenset({"NO_RESULTS_ON_PAGE", "DEPRECATED_RESOURCE_USED", "DEPRECATED_TYPE_USED", "EXPERIMENTAL_TYPE_USED"})
"""Warnings that do not mean that something is missing. Of any other we cannot be sure."""

RESTARTS = 3
"""How often a list whose pages expired under way is begun anew."""

_UNREACHABLE = ("unreachables", "unreachable", "missingZones")


def organizations(project: str) -> tuple[Organization, Organization]:
    """``GCP`` > ``GCP Project: my-project``."""
    return GCP, Organization(f"gcp:{project}", f"GCP Project: {project}", GCP.external_id)


class Reading:
    """Reads one kind in one project."""

    def __init__(self, apis: Apis, kind: Kind, project: str, page_size: int | None) -> None:
        self._apis, self._kind, self._project, self._page_size = apis, kind, project, page_size
        self._seen: set[str] = set()
        self._silent: set[str] = set()
        self._warnings: dict[str, str] = {}
        self._denied: list[Denied] = []

    def __call__(self) -> Iterator[Item]:
        """Everything there is, and `Incomplete` for what Google could not reach. Raises a `ProviderError`."""
        yield from organizations(self._project)
        for method in self._kind.methods:
            for above in self._above():
                for item in self._items(method, above):
                    yield from self._resource(item)
        yield from self._incomplete()

    def _above(self) -> Iterator[Mapping[str, Any]]:
        """The items under which there is a list; usually just the project."""
        if not self._kind.under:
            yield {}
            return
        parent = kind_of(self._kind.under)
        for page in self._apis.pages(parent, parent.method, self._project, None, {}):
            yield from paths.values(page, parent.items)

    def _items(self, method: str, above: Mapping[str, Any]) -> Iterator[shape.Item]:
        try:
            for page in self._pages(method, above):
                self._note(page, "")
                for place, part in page.get("items", {}).items() if method.endswith(".aggregatedList") else (("", page),):
                    self._note(part, place)
                    items = paths.values(part, self._kind.items if method == self._kind.method else "items[]")
                    yield from ({**item, shape.ABOVE: above} for item in items)
        except Denied as error:
            if not above:
                raise
            self._denied.append(error)
        except NotFound:
            if not above:
                raise  # else it is gone since its list was read

    def _pages(self, method: str, above: Mapping[str, Any]) -> Iterator[Page]:
        """Of one list, which is begun anew when its pages expire under way: what comes again is known by its id."""
        for attempt in range(RESTARTS + 1):
            try:
                yield from self._apis.pages(self._kind, method, self._project, self._page_size, above)
            except PageExpired:
                if attempt == RESTARTS:
                    raise
            else:
                return

    def _resource(self, item: shape.Item) -> Iterator[Item]:
        try:
            found = shape.resource(self._kind, item, self._project, organizations(self._project)[1].external_id)
        except DataError as error:
            yield Incomplete(self._kind.sub_type, Outcome.ERROR, f"{error} came from project {self._project}")
            return
        if found.external_id not in self._seen:  # two lists may show the same
            self._seen.add(found.external_id)
            yield found

    def _note(self, part: Page, place: str) -> None:
        self._silent.update(str(name) for key in _UNREACHABLE for name in part.get(key) or ())
        warning = part.get("warning") or {}
        code = str(warning.get("code", ""))
        if code == "UNREACHABLE":
            self._silent.add(place or str(warning.get("message", "a part")))
        elif code and code not in HARMLESS:
            self._warnings[place or "the project"] = f"{code}: {warning.get('message', '')}"

    def _incomplete(self) -> Iterator[Incomplete]:
        name, project = self._kind.sub_type, self._project
        if self._silent:
            where = ", ".join(sorted(self._silent))
            yield Incomplete(name, Outcome.TIMEOUT, f"Google could not reach {where} of project {project}: what is there was not read")
        for place, warning in self._warnings.items():
            yield Incomplete(name, Outcome.ERROR, f"Google warns that the list of {place} in project {project} is not whole ({warning})")
        for error in self._denied[:1]:
            yield Incomplete(name, Outcome.DENIED, f"{error} ({len(self._denied)} times)", error.permission)
