"""One list of one project, page by page, whichever way its API is read."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from providers import pages
from providers.catalogue import paths
from providers.gcp import buckets, compute
from providers.gcp.catalogue import KINDS
from providers.gcp.config import GcpOperator
from providers.gcp.declaration import Kind
from providers.gcp.session import Session
from providers.google.signin import Signin
from providers.http.client import Http
from providers.http.response import HttpResponse

Page = dict[str, Any]

PARTIAL = {"returnPartialSuccess": "true"}
"""One zone that does not answer is named, and the others are read. Google's own libraries have no field for it, or misspell it."""

RESOURCE_MANAGER = "cloudresourcemanager.googleapis.com"


class Apis:
    """A client of each API."""

    def __init__(self, signin: Signin, operator: GcpOperator, connections: int) -> None:
        hosts = {compute.HOST, RESOURCE_MANAGER, *(kind.address.partition("/")[0] for kind in KINDS if kind.address)}
        self._clients = {host: signin.http(host, host, connections=connections) for host in sorted(hosts)}
        self._clients[buckets.HOST] = buckets.http(signin, operator, connections)

    def http(self, host: str) -> Http:
        """The client of an API."""
        return self._clients[host]

    def close(self) -> None:
        """Closes the connections."""
        for client in self._clients.values():
            client.close()

    def pages(self, kind: Kind, method: str, project: str, wanted: int | None, above: Mapping[str, Any]) -> Iterator[Page]:
        """Every page of a list of a kind. `wanted` is how many items to ask for, `above` the item under which it is."""
        size = min(wanted or kind.largest, kind.largest)
        if kind.api == "compute":
            partial = PARTIAL if method.endswith(".aggregatedList") else {}
            session = Session(self.http(compute.HOST), kind.what, kind.permission_for(method), partial)
            return _guarded(compute.pages(session, method, project, size), kind.what)
        if kind.api == "storage":
            session = Session(self.http(buckets.HOST), kind.what, kind.permission_for(method), PARTIAL)
            return _guarded(buckets.pages(session, project, size), kind.what)
        return self._by_address(kind, project, size, above)

    def _by_address(self, kind: Kind, project: str, size: int, above: Mapping[str, Any]) -> Iterator[Page]:
        host, _, path = kind.address.partition("/")
        query = dict(kind.parameters) | ({kind.size_parameter: str(size)} if kind.size_parameter else {})
        start = f"/{quote(paths.fill(path, above, {'project': project}), safe='/:@-._~')}?{urlencode(query)}"
        read = functools.partial(page, start, kind.items)
        found = self.http(host).pages(start, read, what=kind.what, permission=kind.permission_for(kind.method))
        return (one.answer for one in found)


def page(start: str, path: str, answer: HttpResponse) -> pages.Page:
    """An answer to a list that begins at `start` and has its items at `path`, for `Http.pages`."""
    found = answer.object()
    token = found.get("nextPageToken")
    following = f"{start}{'&' if '?' in start else '?'}{urlencode({'pageToken': token})}" if token else None
    return pages.Page(list(paths.values(found, path)), following, found)


def _guarded(found: Iterable[Page], what: str) -> Iterator[Page]:
    """The pages of a pager of Google's libraries, to the last one."""
    watched = pages.guarded((pages.Page([one["items"]] if one.get("items") else (), one.get("nextPageToken"), one) for one in found), what)
    return (one.answer for one in watched)
