"""Releases over HTTP: which held-back deletions a person has confirmed, and how that is undone."""

from __future__ import annotations

from typing import Annotated, Any

from flask import Response

from api.audit import audited
from api.context import Context
from api.endpoint import Endpoint, NoQuery
from api.listing import Listing, ListQuery, listed, sortable
from api.lookup import or_404
from api.model import ApiModel, Id, Time
from worker.store import releases


class ReleaseFilters(ListQuery, frozen=True, kw_only=True):
    """Query of the list of releases. `owner` is ``job:42`` or ``connector:ldap``."""

    sortings = releases.SORTINGS

    run_id: Id | None = None
    owner: str | None = None
    sort: Annotated[str, sortable(releases.SORTINGS)] = "-id"


class Release(ApiModel, frozen=True, kw_only=True):
    """A release: the deletions that a person has confirmed at once. It can be undone for 30 days."""

    id: int
    owner: str
    """The job or connector whose deletions they are: ``job:42``, ``connector:ldap``."""
    run_id: int | None
    """The run that had held the deletions back; null for a connector."""
    released_at: Time
    released_by: str
    entities: int
    """Number of entities that were marked as deleted."""
    links: int
    """Number of links that were taken away."""
    attributes: int
    """Number of attributes that were taken away."""
    undone_at: Time | None
    undone_by: str | None


RELEASES = Listing("releases", Release, "Releases", "Releases of the last 30 days in an order.")


class Undone(ApiModel, frozen=True, kw_only=True):
    """How many entities, links and attributes came back. They are held back again until they are seen, or released."""

    release_id: int
    owner: str
    run_id: int | None
    entities: int
    """Number of entities that came back."""
    links: int
    """Number of links that came back."""
    attributes: int
    """Number of attributes that came back."""


def list_releases(context: Context, query: ReleaseFilters, body: Any) -> dict[str, Any] | Response:
    """Releases of the last 30 days, the newest first."""
    chosen = releases.selection(run=query.run_id, owner=query.owner, sort=query.sort)
    return listed(context, RELEASES, query, lambda _connection, _fields: chosen)


def undo(context: Context, query: NoQuery, body: Any, release_id: int) -> dict[str, Any]:
    """Restores what a release has deleted, as far as nothing has changed it since."""
    with audited(context, "release undone") as line:
        restored = or_404(releases.undo(line.connection, release_id, line.actor.name), f"release {release_id} of the last 30 days")
        counts = {"entities": restored.entities, "links": restored.links, "attributes": restored.attributes}
        line.subject = restored.owner if restored.run is None else f"run {restored.run}"
        line.after = {"release": release_id, **counts}
    return {"release_id": release_id, "owner": restored.owner, "run_id": restored.run, **counts}


ENDPOINTS = (
    RELEASES.endpoint("/releases", "Confirmed deletions of the last 30 days", list_releases, ReleaseFilters, "read"),
    Endpoint("POST", "/releases/{release_id}/undo", "Restore what a release has deleted", undo, answer=Undone, role="operate"),
)
