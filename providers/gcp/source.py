"""Reads projects: who we are, which projects there are, and for each the lists of the catalogue and its IAM policy."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from google.protobuf.json_format import ParseError

from providers.concurrency import Turns
from providers.errors import BadAnswer, Denied, ProviderError, ScopeError, Unsupported
from providers.gcp import bindings
from providers.gcp.catalogue import BINDING, KINDS, PROJECT
from providers.gcp.config import GcpConfig, GcpOperator
from providers.gcp.declaration import project_name
from providers.gcp.listing import RESOURCE_MANAGER, Apis, page
from providers.gcp.reading import Reading, organizations
from providers.google import key as google_key
from providers.google import signin as google_signin
from providers.google.failure import Disabled, NotFound
from providers.google.signin import Signin
from providers.pages import items
from providers.provider import Item, Read, Source
from providers.records import Identity, Link, Resource, Scope

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
"""IAM's lists take no smaller one; what we may do is limited by the role."""

GET = "resourcemanager.projects.get"
_STAMPS = ("etag", "updateTime", "labels")
_SEARCH = "/v3/projects:search?query=state:ACTIVE&pageSize=500"


class GcpSource(Source):
    """One sign-in and the projects that it sees."""

    concurrency = 16
    lane_width = 8  # lists of one project: its quota is shared with everybody else's tools

    def __init__(self, config: GcpConfig, operator: GcpOperator) -> None:
        """Sends nothing yet. Raises `ConfigError`."""
        self._config = config
        self._signin = sign_in(config, operator)
        self._apis = Apis(self._signin, operator, self.concurrency)
        self._manager = self._apis.http(RESOURCE_MANAGER)
        self._turns = Turns(config.parallel_projects)
        self._known: dict[str, dict[str, Any]] = {}

    def check(self) -> Identity:
        """Signs in, and looks whether there is a project to read."""
        first = next(self._visible(), "")
        if not first:
            raise Denied(
                f"signed in to Google as {self._signin.name}, but no project is visible: give it a role in one ({GET})", permission=GET
            )
        return Identity(self._signin.name, self._signin.project or first, {"project": first})

    def plan(self) -> Iterator[Read]:
        """Every project; one that is asked for and not visible is a denied scope, not an absent one."""
        for project in dict.fromkeys(self._config.project_ids) or self._searched():
            yield from self._turns.of(functools.partial(self._reads, project))

    def classify(self, error: Exception) -> ProviderError | None:
        """What Google's libraries raise of themselves; everything else is ours already."""
        if isinstance(error, ParseError):
            return BadAnswer("Google answered with something that is not of its own schema: update google-cloud-compute", detail=str(error))
        return None

    def close(self) -> None:
        """Closes the connections."""
        self._apis.close()

    # Projects

    def _visible(self) -> Iterator[str]:
        """The projects that can be read, as soon as they are known. Raises what the first one said, if there is none."""
        if not self._config.project_ids:
            yield from self._searched()
            return
        refused: list[ScopeError] = []
        for project in self._config.project_ids:
            try:
                self._project(project)
            except Disabled:  # who can say so has signed us in
                yield project
            except ScopeError as error:
                refused.append(error)
            else:
                yield project
        if len(refused) == len(self._config.project_ids):
            raise refused[0]

    def _searched(self) -> Iterator[str]:
        read = functools.partial(page, _SEARCH, "projects[]")
        for item in items(self._manager.pages(_SEARCH, read, what="search projects", permission=GET)):
            self._known[item["projectId"]] = item
            yield item["projectId"]

    def _project(self, project: str) -> dict[str, Any]:
        """What Resource Manager knows of it. Raises `Denied` for one that is not there, too: Google does not tell the two apart."""
        if project not in self._known:
            try:
                self._known[project] = self._manager.get(f"/v3/projects/{project}", what="get the project", permission=GET).object()
            except Disabled:
                raise
            except (Denied, NotFound) as error:
                sentence = f"project {project} does not exist, or is not visible to {self._signin.name}: the permission {GET} is missing"
                raise Denied(sentence, permission=GET, detail=error.detail) from None
        return self._known[project]

    def _reads(self, project: str) -> Iterator[Read]:
        try:
            found = self._project(project)
        except Disabled as error:
            yield _read(project, PROJECT.sub_type, functools.partial(_raise, error))
        except ScopeError as error:
            yield _read(project, "*", functools.partial(_raise, error))
            return
        else:
            if found.get("state", "ACTIVE") != "ACTIVE":
                gone = Unsupported(f"project {project} is being deleted ({found['state']}): nothing in it is read any more")
                yield _read(project, "*", functools.partial(_raise, gone))
                return
            yield _read(project, PROJECT.sub_type, functools.partial(_itself, project, found))
        yield _read(project, BINDING.sub_type, functools.partial(self._bindings, project))
        for kind in KINDS:
            yield _read(project, kind.sub_type, Reading(self._apis, kind, project, self._config.page_size))

    def _bindings(self, project: str) -> Iterator[Item]:
        yield from organizations(project)
        yield from bindings.read(self._manager, project, organizations(project)[1].external_id)


def sign_in(config: GcpConfig, operator: GcpOperator) -> Signin:
    """As the job's own key, else the operator's file, else Application Default Credentials. Raises `ConfigError`."""
    if config.credentials_json is not None:
        return google_signin.sign_in(operator, SCOPES, key=config.credentials_json, at="credentials_json")
    if config.credentials_path:
        key = google_key.read_job(config.credentials_path, "credentials_path")
        return google_signin.sign_in(operator, SCOPES, key=key, at="credentials_path")
    if path := operator.credentials_file:
        key = google_key.read_operator(path, "GCP_CREDENTIALS_FILE")
        return google_signin.sign_in(operator, SCOPES, key=key, at="GCP_CREDENTIALS_FILE")
    return google_signin.sign_in(operator, SCOPES)


def _itself(project: str, item: Mapping[str, Any]) -> Iterator[Item]:
    yield from organizations(project)
    above = item.get("parent", "")
    yield Resource(
        external_id=project_name(project),
        entity_type=PROJECT.entity_type,
        sub_type=PROJECT.sub_type,
        name=project,
        attributes={key: value for key, value in item.items() if key not in _STAMPS},
        tags={str(key): str(value) for key, value in sorted((item.get("labels") or {}).items())},
        links=(Link("member_of", f"//cloudresourcemanager.googleapis.com/{above}"),) if above else (),
        organization=organizations(project)[1].external_id,
    )


def _read(project: str, sub_type: str, fetch: Any) -> Read:
    return Read((Scope("gcp", project, "", sub_type),), fetch, lane=project)


def _raise(error: ProviderError) -> NoReturn:
    raise error
