"""The organization or the folders that a job names, and all folders under them."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import msgspec

from providers import pages
from providers.errors import ScopeError
from providers.gcp.catalogue import FOLDER, ORGANIZATION
from providers.gcp.config import GcpConfig
from providers.gcp.declaration import GcpKind
from providers.google.answers import check_answer, objects
from providers.http.client import Http
from providers.pages import Page

LIST = FOLDER.permission_for(FOLDER.method)

_PAGE_SIZE = 300


class Found(msgspec.Struct):
    """Result of a walk: the names of organization and folders (`folders/42`), what Google says of each, and what could not be read."""

    names: list[str] = msgspec.field(default_factory=list)
    items: list[tuple[GcpKind, dict[str, Any]]] = msgspec.field(default_factory=list)
    failures: list[tuple[str, ScopeError]] = msgspec.field(default_factory=list)

    @property
    def gravest(self) -> tuple[str, ScopeError] | None:
        """The failure that says most about what was not found, with the name of its folder; None where nothing failed."""
        return max(self.failures, key=lambda one: one[1].outcome.gravity, default=None)


class Hierarchy:
    """The tree under an organization and folders. It is walked once, with one list for each folder."""

    def __init__(self, manager: Http, config: GcpConfig) -> None:
        self._manager = manager
        organization = (f"organizations/{config.organization_id}",) if config.organization_id else ()
        self.roots = (*organization, *(f"folders/{number}" for number in config.folder_ids))
        """Names of what the job asks for; empty for a job that asks for projects."""

    @functools.cached_property
    def found(self) -> Found:
        """The whole tree. A folder that cannot be listed is named in it, and the others are read."""
        found, open_ends = Found(), deque(self.roots)
        for name in self.roots:
            self._itself(name, found)
        while open_ends:
            name = open_ends.popleft()
            if name in found.names:
                continue  # a folder that is named, and is under another one that is named
            found.names.append(name)
            open_ends.extend(self._under(name, found))
        return found

    def _itself(self, name: str, found: Found) -> None:
        kind = ORGANIZATION if name.startswith("organizations/") else FOLDER
        permission = kind.permission_for(kind.also[0])
        try:
            item = self._manager.get(f"/v3/{name}", what=f"get {name}", permission=permission).object()
            check_answer(item, "name", f"get {name}")
        except ScopeError as error:
            found.failures.append((name, error))
        else:
            found.items.append((kind, item))

    def _under(self, name: str, found: Found) -> list[str]:
        try:
            folders = list(pages.items(pages.restarted(functools.partial(self._pages, name), key=lambda item: str(item.get("name")))))
        except ScopeError as error:
            found.failures.append((name, error))
            return []
        known = {str(item.get("name")) for _, item in found.items}
        found.items += [(FOLDER, folder) for folder in folders if str(folder.get("name")) not in known]
        return [str(folder["name"]) for folder in folders if folder.get("name")]

    def _pages(self, parent: str) -> Iterator[Page]:
        def page(token: Any, size: int) -> Page:
            query = urlencode({"parent": parent, "pageSize": size} | ({"pageToken": token} if token else {}))
            what = f"list the folders of {parent}"
            answer = self._manager.get(f"/v3/folders?{query}", what=what, permission=LIST).object()
            check_answer(answer, "folders", what)
            return Page(objects(answer, "folders", what), answer.get("nextPageToken"), answer)

        return pages.by_token(page, what="list folders", size=_PAGE_SIZE)
