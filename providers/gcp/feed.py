"""Types of a project that are read from Cloud Asset Inventory, in place of a list for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from providers.errors import DataError
from providers.gcp.assets import Assets, resource_of
from providers.gcp.declaration import GcpKind
from providers.gcp.reading import Listed, Reading, organizations
from providers.pages import Page
from providers.provider import Item


def listed(assets: Assets, project: str, kind: GcpKind) -> Listed:
    """One type of a project as a list of its resources, for a `Reading` that looks once more what is there."""

    def pages(_method: str) -> Iterator[Page]:
        for page in assets.pages(project, (kind,)):
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
        for page in self._assets.pages(self._project, [reading.kind for reading in self._readings]):
            for reading in self._readings:
                yield from reading.made(self._of(reading, page.items))
        for reading in self._readings:
            yield from reading.reports()

    def _of(self, reading: Reading, assets: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        """The resources of a type among the assets of a page; one that cannot be used is noted."""
        for asset in assets:
            if self._by_type.get(asset["assetType"]) is not reading:
                continue
            try:
                yield resource_of(reading.kind, asset)
            except DataError as error:
                reading.unreadable(str(error))
