"""Sessions of people whom the identity provider has signed in: listed and ended by an admin, who need not be one of them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from flask import Response

from api.audit import audited
from api.context import Context
from api.endpoint import Endpoint
from api.listing import Listing, ListQuery, listed, sortable
from api.lookup import or_404
from api.model import ApiModel, Time
from worker.store import sessions
from worker.store.keys import Role
from worker.store.sessions import Limits


class SessionFilters(ListQuery, frozen=True, kw_only=True):
    """Filters of the list of sessions."""

    sortings = sessions.SORTINGS

    subject: str | None = None
    """Subject of a person at the identity provider."""
    sort: Annotated[str, sortable(sessions.SORTINGS)] = "-id"


class OfSubject(msgspec.Struct, frozen=True, kw_only=True):
    """The person whose sessions end."""

    subject: str


class SessionOfPerson(ApiModel, frozen=True, kw_only=True):
    """A session that may be used now."""

    id: int
    issuer: str
    subject: str
    """Subject of the person at the identity provider, which never changes."""
    name: str
    role: Role
    created_at: Time
    seen_at: Time
    """Time of the last use, to the minute."""


SESSIONS = Listing("sessions", SessionOfPerson, "Sessions", "Sessions that may be used now, in an order.")


class Ended(ApiModel, frozen=True, kw_only=True):
    """The number of sessions that were ended."""

    ended: int
    """Number of sessions that ended."""


def list_sessions(context: Context, query: SessionFilters, body: Any) -> dict[str, Any] | Response:
    """All sessions that may be used now, the newest first."""
    limits = Limits(context.settings.elder_session_idle_timeout, context.settings.elder_session_lifetime)
    return listed(context, SESSIONS, query, lambda _connection, _fields: sessions.selection(limits, query.subject, query.sort))


def end_sessions(context: Context, query: OfSubject, body: Any) -> dict[str, Any]:
    """Ends the sessions of a person at once."""
    with audited(context, "sessions ended", f"person {query.subject}") as change:
        ended = sessions.end_all(change.connection, query.subject) or None
        change.before = or_404(ended, f"open session of the subject '{query.subject}'")
    return {"ended": len(change.before)}


ENDPOINTS = (
    SESSIONS.endpoint("/sessions", "Sessions of people who are signed in", list_sessions, SessionFilters, "admin"),
    Endpoint("DELETE", "/sessions", "End all sessions of a person at once", end_sessions, query=OfSubject, answer=Ended, role="admin"),
)
