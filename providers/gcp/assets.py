"""Cloud Asset Inventory: one list for many types of a project, as they were at one moment.

The resource in an asset is what the service's own API gives for it, so that ids, attributes and links are those of the list that it stands
in for. Only types of which that is known are declared (`GcpKind.assets`), and each asset is held against it: one of another version of its
API is left out, counted and named.

Every page of a list is asked for at the same `readTime`. A page of another moment, a circle, a refusal or a cut is an error of all types
of the list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import structlog

from providers import pages
from providers.errors import BadAnswer, DataError, Denied
from providers.gcp.declaration import ASSETS, LIST_ASSETS, GcpKind, resource_name
from providers.google.answers import check_answer, listed
from providers.google.causes import Disabled
from providers.http.client import Http
from providers.pages import Page
from providers.records import Moment

LARGEST = 1000
"""The documented maximum of a page."""

BEFORE_NOW = timedelta(minutes=1)
"""Age of the snapshot that is asked for: Google refuses one of a time to come, and our clock may be ahead of Google's."""

_WHAT = "list assets"
_log = structlog.get_logger("providers.gcp")


class Assets:
    """The assets of a project, by types."""

    def __init__(self, http: Http, page_size: int | None) -> None:
        """`page_size` is how many assets to ask for at once; None: as many as Google gives."""
        self._http, self._size = http, min(page_size or LARGEST, LARGEST)

    def pages(self, project: str, kinds: Iterable[GcpKind]) -> Iterator[tuple[Moment, Page]]:
        """Every page of the assets of these kinds, with the time of the snapshot that it is of. Raises a `ProviderError`."""
        types = sorted({one for kind in kinds for one in kind.assets})
        snapshot = _Snapshot(self._http, project, types)
        count = 0
        try:
            for page in pages.restarted(lambda: pages.by_token(snapshot.page, what=_WHAT, size=self._size), key=_key):
                count += len(page.items)
                yield snapshot.moment, page
        except (Denied, Disabled) as error:
            raise _refused(error) from None
        _log.info("read from Cloud Asset Inventory", project=project, read_time=snapshot.time, types=len(types), assets=count)


class _Snapshot:
    """One list at one moment; `time` is the one that Google answers with, and before that the one that is asked for."""

    def __init__(self, http: Http, project: str, types: list[str]) -> None:
        self._http, self._path = http, f"/v1/{quote(resource_name(project))}/assets"
        self.time = _text(datetime.now(UTC) - BEFORE_NOW)
        self._query = [("contentType", "RESOURCE"), ("readTime", self.time), *(("assetTypes", one) for one in types)]
        self._answered = ""
        self.moment = datetime.min.replace(tzinfo=UTC)

    def page(self, token: Any, size: int) -> Page:
        """One page. Raises `BadAnswer` for one of another moment than those before it."""
        query = urlencode([*self._query, ("pageSize", size), *((("pageToken", token),) if token else ())])
        answer = self._http.get(f"{self._path}?{query}", what=_WHAT, permission=LIST_ASSETS).object()
        check_answer(answer, "assets", _WHAT)
        moment = str(answer.get("readTime") or "")
        self.moment = _moment(moment)
        if self._answered and moment != self._answered:
            raise BadAnswer(
                f"{ASSETS} answers '{_WHAT}' with pages of two moments ({self._answered} and {moment}): what lies between is not known"
            )
        self.time = self._answered = moment
        assets = listed(answer, "assets", _WHAT)
        if not all(isinstance(asset, dict) and asset.get("assetType") for asset in assets):
            raise BadAnswer(f"{ASSETS} answers '{_WHAT}' with an asset that has no type: it is not known what is missing")
        return Page(assets, answer.get("nextPageToken"), answer)


def resource_of(kind: GcpKind, asset: Mapping[str, Any]) -> dict[str, Any]:
    """The resource of an asset, as the list of its kind has it. Raises `DataError` when it is not known to be the same."""
    found = asset.get("resource") or {}
    if found.get("version") not in (None, "", kind.version):
        raise DataError(
            f"Cloud Asset Inventory describes {asset.get('name')} by version {found['version']} of its API, and not by {kind.version} as "
            "its list does: let the job read by `feed: lists`"
        )
    data = found.get("data")
    if not isinstance(data, dict) or not data:
        raise DataError(f"Cloud Asset Inventory has {asset.get('name')} without its resource")
    return data


def _refused(error: Denied | Disabled) -> Denied:
    """A refusal, with what to do. An API that is not enabled is one: what the project has was not read."""
    instead = "or let the job read by `feed: lists`"
    if isinstance(error, Disabled):
        return Denied(f"{error}; enable it in the project of the service account, {instead}", detail=error.detail)
    if error.permission != LIST_ASSETS:
        return error
    advice = f"grant the role roles/cloudasset.viewer, which has {LIST_ASSETS}, where the job reads ({instead})"
    return Denied(f"{error}; {advice}", permission=LIST_ASSETS, detail=error.detail)


def _key(asset: Mapping[str, Any]) -> str:
    return f"{asset['assetType']} {asset.get('name')}"


def _moment(text: str) -> Moment:
    """The time of a snapshot, which an answer without any assets has, too. Raises `BadAnswer` for what is none."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadAnswer(f"{ASSETS} answers '{_WHAT}' without the time of its snapshot: is a proxy in between?") from None


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
