"""The projects of a run: those that the job names, else those that are visible and not excluded."""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from providers import pages
from providers.errors import Denied, ScopeError
from providers.gcp.config import GcpConfig
from providers.gcp.hierarchy import Hierarchy
from providers.google.answers import check_answer, objects
from providers.google.causes import Disabled, NotFound
from providers.http.client import Http
from providers.pages import Page

GET = "resourcemanager.projects.get"

_SEARCH = "/v3/projects:search"
ONE_PROJECT = f"{_SEARCH}?pageSize=1"
"""Search that every account may make: Google refuses nobody, and shows the projects that the account may see."""
_PAGE_SIZE = 500
_APPS_SCRIPT = re.compile(r"sys-\d+")
"""Google makes a project for each Apps Script: there may be thousands, with nothing in them."""


class Projects:
    """The projects as Resource Manager knows them. `numbers` has the ids of those seen so far by their numbers."""

    def __init__(self, manager: Http, config: GcpConfig, account: str, hierarchy: Hierarchy) -> None:
        """`account` is the name of who asks, for sentences."""
        self._manager, self._config, self._account, self._hierarchy = manager, config, account, hierarchy
        self._known: dict[str, dict[str, Any]] = {}
        self.numbers: dict[str, str] = {}

    def ids(self) -> Iterator[str]:
        """The ids of the projects to read, as soon as they are known."""
        yield from dict.fromkeys(self._config.project_ids) or self._searched()

    def visible(self) -> Iterator[str]:
        """The ids of those that can be read. Raises what was said of the first one, if there is none."""
        if not self._config.project_ids:
            yield from self._searched()
            return
        refused: list[ScopeError] = []
        for project in self._config.project_ids:
            try:
                self.get(project)
            except Disabled:  # an answer of Google's that takes a sign-in
                yield project
            except ScopeError as error:
                refused.append(error)
            else:
                yield project
        if len(refused) == len(self._config.project_ids):
            raise refused[0]

    def get(self, project: str) -> dict[str, Any]:
        """The project as Resource Manager has it. Raises `Denied` for one that is not there, too: Google does not tell the two apart."""
        if project not in self._known:
            try:
                found = self._manager.get(f"/v3/projects/{project}", what="get the project", permission=GET).object()
            except Disabled:
                raise
            except NotFound as error:
                raise self._not_visible(project, error.detail) from None
            except Denied as error:
                if error.permission != GET:
                    raise
                raise self._not_visible(project, error.detail) from None
            check_answer(found, "projectId", "get the project")
            self._learn(project, found)
        return self._known[project]

    def _not_visible(self, project: str, detail: str) -> Denied:
        sentence = f"project {project} does not exist, or is not visible to {self._account}: the permission {GET} is missing"
        return Denied(sentence, permission=GET, detail=detail)

    def _learn(self, project: str, found: dict[str, Any]) -> None:
        self._known[project] = found
        if number := str(found.get("name", "")).removeprefix("projects/"):
            self.numbers[number] = project

    def _searched(self) -> Iterator[str]:
        for item in pages.items(pages.restarted(self._pages, key=_id_of)):
            project = _id_of(item)
            if project and self._is_in(item) and not self._is_excluded(project):
                self._learn(project, item)
                yield project

    def _pages(self) -> Iterator[Page]:
        return pages.by_token(self._page, what="search projects", size=_PAGE_SIZE)

    def _page(self, token: Any, size: int) -> Page:
        query = urlencode({"pageSize": size} | ({"pageToken": token} if token else {}))
        answer = self._manager.get(f"{_SEARCH}?{query}", what="search projects", permission=GET).object()
        check_answer(answer, "projects", "search projects")
        return Page(objects(answer, "projects", "search projects"), answer.get("nextPageToken"), answer)

    def _is_in(self, item: Mapping[str, Any]) -> bool:
        """True for a project of the organization and the folders that the job names, if it names any."""
        return not self._hierarchy.roots or item.get("parent") in self._hierarchy.found.names

    def _is_excluded(self, project: str) -> bool:
        matches = functools.partial(fnmatch.fnmatchcase, project)
        return bool(_APPS_SCRIPT.fullmatch(project)) or any(map(matches, self._config.exclude_projects))


def _id_of(item: Any) -> str:
    return str(item.get("projectId") or "") if isinstance(item, dict) else ""
