"""Types of a project that are read from Cloud Asset Inventory, in place of a list for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from providers.errors import DataError, ScopeError
from providers.gcp import catalogue
from providers.gcp.assets import Assets, resource_of
from providers.gcp.declaration import GcpKind
from providers.gcp.reading import Listed, Reading, organizations
from providers.pages import Page
from providers.provider import Item
from providers.records import AsOf, Incomplete


def listed(assets: Assets, project: str, kind: GcpKind) -> Listed:
    """One type of a project as a list of its resources, for a `Reading` that looks once more what is there."""

    def pages(_method: str) -> Iterator[Page]:
        for _, page in assets.pages(project, (kind,)):
            yield Page([resource_of(kind, asset) for asset in page.items])

    return pages


class Feed:
    """Reads several types in one list, and what is listed under their items. `readings` makes of each what the list of the type would."""

    def __init__(self, assets: Assets, project: str, readings: Sequence[Reading]) -> None:
        self._assets, self._project, self._readings = assets, project, readings
        self._by_type = {asset_type: reading for reading in readings for asset_type in reading.kind.assets}

    def __call__(self) -> Iterator[Item]:
        """Everything there is, and `Incomplete` for what could not be read. Raises a `ProviderError`."""
        yield from organizations(self._project)
        yield from self._read(self._readings)
        for reading in self._readings:
            yield from reading.reports()

    def _read(self, readings: Sequence[Reading]) -> Iterator[Item]:
        """Everything of some types. When Google cannot take the request, each half of the types is asked for by itself: one ends no other.

        It takes none with a type that it does not have, as in a cloud of a country of its own.
        """
        begun = False
        try:
            for moment, page in self._assets.pages(self._project, [reading.kind for reading in readings]):
                begun = True
                for reading in readings:
                    yield from (AsOf(kind.sub_type, moment) for kind in catalogue.shown(reading.kind.sub_type))
                    yield from reading.made(self._of(reading, page.items))
        except ScopeError as error:
            if begun or type(error) is not ScopeError:  # a refusal, a throttle, a cut: of the API, whatever the types
                raise
            yield from self._apart(readings, error)

    def _apart(self, readings: Sequence[Reading], error: ScopeError) -> Iterator[Item]:
        if len(readings) > 1:
            middle = len(readings) // 2
            yield from self._read(readings[:middle])
            yield from self._read(readings[middle:])
            return
        for kind in catalogue.shown(readings[0].kind.sub_type):
            yield Incomplete(kind.sub_type, error.outcome, f"{error}; let the job read by `feed: lists`")

    def _of(self, reading: Reading, assets: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        """The resources of a type among the assets of a page; one that cannot be used is noted."""
        for asset in assets:
            if self._by_type.get(asset["assetType"]) is not reading:
                continue
            try:
                yield resource_of(reading.kind, asset)
            except DataError as error:
                reading.unreadable(str(error))
