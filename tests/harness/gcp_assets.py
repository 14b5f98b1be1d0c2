"""Cloud Asset Inventory over the contract server: the assets of a company are what its lists have, as Google tells assets.

What Google documents is held against each request: a content type, a time that is neither to come nor 35 days ago, types that there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from gcp_description import item_schema, method_of
from peers.google_cloud import NUMBERS, Company
from peers.google_contract import Call
from peers.google_refusals import Refusal

from providers.catalogue import paths
from providers.gcp import catalogue
from providers.gcp.declaration import GcpKind

METHOD = "cloudasset.assets.list"
OTHERS = {"compute.googleapis.com/Disk"}
"""Types that Google has and that no kind of ours is read from."""


def fed() -> list[GcpKind]:
    """The types that are read from assets."""
    return [kind for kind in catalogue.ALL if kind.assets]


class Inventory:
    """The assets of a company. `unsupported` are types that this cloud does not have.

    `version` is what each asset says of its API where it is not the version that our list has.
    """

    def __init__(self, company: Company) -> None:
        self.company, self.version, self.without_resource = company, "", False
        self.unsupported: set[str] = set()
        self.now = lambda: datetime.now(UTC)
        company.google.items[METHOD] = self.listed
        company.google.each_page[METHOD] = lambda call: {"readTime": call.query["readTime"]}

    def listed(self, call: Call) -> list[dict] | Refusal:
        """The assets of a project, of the types that are asked for."""
        if fault := self._fault(call):
            return Refusal(400, "invalid", fault, "INVALID_ARGUMENT")
        project = call.path["parent"].removeprefix("projects/")
        return [self._asset(kind, data, project) for kind in fed() if set(kind.assets) & _types(call) for data in self._data(kind, project)]

    def _fault(self, call: Call) -> str:
        at = datetime.strptime(call.query.get("readTime", ""), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        if call.query.get("contentType") != "RESOURCE":
            return "no content is asked for"
        if not self.now() - timedelta(days=35) <= at <= self.now():
            return f"read_time {at} is to come, or more than 35 days ago"
        known = {asset_type for kind in fed() for asset_type in kind.assets} - self.unsupported | OTHERS
        return next((f"no supported asset type matches {one}" for one in _types(call) - known), "")

    def _data(self, kind: GcpKind, project: str) -> Iterator[dict]:
        """The items of the kind's list, wherever they are."""
        parents = self._items(catalogue.kind(kind.under), project, {}) if kind.under else [{}]
        for parent in parents:
            yield from self._items(kind, project, parent)

    def _items(self, kind: GcpKind, project: str, parent: dict) -> list[dict]:
        method, filled = method_of(kind), paths.fill(kind.address.partition("/")[2], {"parent": parent}, {"project": project})
        found = method.path.fullmatch(f"/{filled}")
        assert found, f"{filled} is not a path of {method.id}"
        items = self.company.google.items.get(kind.method, [])
        items = items(Call(method.id, found.groupdict(), {}, None, {})) if callable(items) else items
        return [one for part in items.values() for one in part] if isinstance(items, dict) else items

    def _asset(self, kind: GcpKind, data: dict, project: str) -> dict:
        """An asset: its own tags of the version of a resource are not those of the list."""
        method = method_of(kind)
        changed = {"etag": "asset=", "fingerprint": "asset="}
        resource = {
            "version": self.version or method.api.partition(".")[2],
            "discoveryDocumentUri": f"https://{method.service}/$discovery/rest",
            "discoveryName": _schema(kind),
            "parent": f"//cloudresourcemanager.googleapis.com/projects/{NUMBERS[project]}",
            "data": {key: changed.get(key, value) for key, value in data.items() if key != "kind"},
        }
        return {
            "name": f"//{method.service}/{re.sub('^.*/projects/', 'projects/', str(data.get('selfLink') or data['name']))}",
            "assetType": kind.assets[0],
            "updateTime": "2024-01-15T10:30:00Z",
            "ancestors": [f"projects/{NUMBERS[project]}", "folders/42"],
            **({} if self.without_resource else {"resource": resource}),
        }


def _types(call: Call) -> set[str]:
    return set(call.query.get("assetTypes", ()))


def _schema(kind: GcpKind) -> str:
    """The name of the schema of the kind's items."""
    return str(item_schema(kind)[1]["id"])
