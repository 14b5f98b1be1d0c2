"""One list of one project, page by page, whichever way its API is read."""

from __future__ import annotations

import functools
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from providers import pages
from providers.catalogue import paths
from providers.errors import BadAnswer, Denied
from providers.gcp import bindings, buckets
from providers.gcp.catalogue import ABOVE, ALL
from providers.gcp.config import GcpOperator
from providers.gcp.declaration import ASSETS, GcpKind, attachment_point, resource_name
from providers.gcp.session import Session
from providers.google.answers import check_answer, listed, objects
from providers.google.signin import Signin
from providers.http.client import Http
from providers.pages import Page

RawPage = dict[str, Any]
Ask = Callable[[str | None, int], RawPage]
"""One page of a list: takes the token (None at first) and the number of items."""

PARTIAL = {"returnPartialSuccess": "true"}
"""One zone that does not answer is named, and the others are read. Google's own libraries have no field for it, or misspell it."""

_ANYWHERE = {"project": "", "owner": "", "parent": "", "resource": ""}

_JSON = {"Content-Type": "application/json"}

_LOCATION = re.compile(r"[a-z0-9-]+")

COMPUTE = "compute.googleapis.com"
RESOURCE_MANAGER = "cloudresourcemanager.googleapis.com"


class Apis:
    """A client of each API."""

    def __init__(self, signin: Signin, operator: GcpOperator, connections: int) -> None:
        hosts = {RESOURCE_MANAGER, ASSETS, *(kind.service for kind in (*ABOVE, *ALL))} - {buckets.HOST}
        self._client = functools.partial(signin.http, connections=connections)
        self._clients = {host: self._client(host, host) for host in sorted(hosts)}
        self._lock = threading.Lock()
        self._clients[buckets.HOST] = buckets.http(signin, operator, connections)

    def http(self, host: str) -> Http:
        """The client of an API, or of one of its locations, made when it is first asked for."""
        with self._lock:
            if host not in self._clients:
                self._clients[host] = self._client(host, host)
            return self._clients[host]

    def load(self) -> None:
        """Loads the client libraries, and makes one client for each list that is read through them."""
        for kind in ALL:
            for method in () if kind.address else kind.methods:
                self._ask(kind, method, "", {})

    def close(self) -> None:
        """Closes all open connections."""
        for client in self._clients.values():
            client.close()

    def pages(
        self, kind: GcpKind, method: str, project: str, wanted: int | None = None, parent: Mapping[str, Any] | None = None
    ) -> Iterator[Page]:
        """Every page of a list of a kind. `wanted` is how many items to ask for, `parent` the item under which the list is.

        Raises a `ProviderError`.
        """
        size = min(wanted or kind.largest, kind.largest) if kind.size_parameter else 0
        ask = self._ask(kind, method, project, parent or {})

        def page(token: Any, number: int) -> Page:
            answer = ask(token, number)
            if member := _member(kind, method) if kind.address else "":  # what a library reads has been checked by its session
                check_answer(answer, member, kind.what)
            if member == bindings.ACCESS:
                bindings.ensure_access(answer, kind.permission_for(method))
            return Page(list(items_of(kind, method, answer)), answer.get("nextPageToken"), answer)

        return pages.restarted(lambda: pages.by_token(page, what=kind.what, size=size), key=functools.partial(identity, kind))

    def ensure_all_shown(self, kind: GcpKind, project: str) -> None:
        """Raises a `ScopeError` unless the caller has the permission of a filtered list on the project itself.

        Google refuses nobody who asks for the permissions that he has.
        """
        what, permission = "test the permissions on the project", kind.permission
        body = json.dumps({"permissions": [permission]}).encode()
        path = f"/v3/projects/{quote(project, safe=':')}:testIamPermissions"
        answer = self.http(RESOURCE_MANAGER).send("POST", path, body=body, what=what, headers=_JSON).object()
        if permission not in listed(answer, "permissions", what):
            sentence = (
                f"Google shows those of project {project} only that may be seen one by one, and leaves out the rest without a word: the "
                f"permission {permission} is missing on the project"
            )
            raise Denied(sentence, permission=permission)

    def _ask(self, kind: GcpKind, method: str, project: str, parent: Mapping[str, Any]) -> Ask:
        permission = kind.permission_for(method)
        if kind.address:
            return self._by_address(kind, permission, project, parent)
        if kind.api == "compute":
            from providers.gcp import compute  # noqa: PLC0415 - the library is loaded by the first of its lists

            partial = PARTIAL if method.endswith(".aggregatedList") else {}
            return compute.asking(Session(self.http(COMPUTE), kind.what, permission, partial), method, project)
        return buckets.asking(Session(self.http(buckets.HOST), kind.what, permission, PARTIAL), project)

    def _by_address(self, kind: GcpKind, permission: str, project: str, parent: Mapping[str, Any]) -> Ask:
        path = kind.address.partition("/")[2]
        host = kind.host_in(_location(kind, parent)) if kind.regional else kind.service
        context = {"project": project, "resource": resource_name(project), "attached": attachment_point(project)}
        filled = paths.fill(path, {"parent": parent}, context)
        url = "/" + (filled if kind.encoded else quote(filled, safe="/:@-._~"))

        def ask(token: str | None, size: int) -> RawPage:
            sized = {kind.size_parameter: str(size)} if size else {}
            query = urlencode({**kind.parameters, **sized, **({"pageToken": token} if token else {})})
            target = f"{url}?{query}" if query else url
            if kind.body is None:
                return self.http(host).get(target, what=kind.what, permission=permission).object()
            body = json.dumps(kind.body).encode()
            return self.http(host).send("POST", target, body=body, what=kind.what, permission=permission, headers=_JSON).object()

        return ask


def _location(kind: GcpKind, parent: Mapping[str, Any]) -> str:
    """The location that an item under which a list is stands for. Raises `BadAnswer` for one that would make another host's name."""
    name = str(parent.get("name") or "").rpartition("/")[2]
    if not _LOCATION.fullmatch(name):
        raise BadAnswer(f"cannot {kind.what} of a location that has no name of a location: {name[:100]!r}")
    return name


def _member(kind: GcpKind, method: str) -> str:
    """The member of an answer in which the items are; empty for a kind whose answer is one item."""
    return "items" if method in kind.also or method.endswith(".aggregatedList") else kind.items.partition("[")[0]


def parts_of(method: str, answer: RawPage) -> Iterator[tuple[str, RawPage]]:
    """The parts of an answer with the place that each is of: those of each zone for an ``aggregatedList``, else the answer itself.

    Raises `BadAnswer` for an ``aggregatedList`` that has no parts.
    """
    if not method.endswith(".aggregatedList"):
        yield "", answer
        return
    found = answer.get("items")
    found = {} if found is None else found
    if not isinstance(found, dict) or not all(isinstance(part, dict) for part in found.values()):
        raise BadAnswer("Google answered a list of all zones and regions with something that is not one: is a proxy in between?")
    yield from found.items()


def items_of(kind: GcpKind, method: str, answer: RawPage) -> Iterator[Any]:
    """The items of an answer. Raises `BadAnswer` where a list must be and is none."""
    path = "items[]" if method in kind.also else kind.items
    member = path.removesuffix("[]")
    if kind.policy:
        objects(answer, member, kind.what)
        yield from bindings.items(answer)
        return
    for _, part in parts_of(method, answer):
        yield from listed(part, member, kind.what) if member != path else paths.values(part, path)


def identity(kind: GcpKind, item: Any) -> str:
    """The key of an item in its list, the same when the list is read again: its id, else all that the item has."""
    named = isinstance(item, dict) and paths.fill(kind.id, item, _ANYWHERE)
    return named or json.dumps(item, sort_keys=True, default=str)
