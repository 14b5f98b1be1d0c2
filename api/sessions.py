"""Sessions of people whom the identity provider has signed in: listed and ended by an admin, who need not be one of them."""

from __future__ import annotations

from typing import Any

import msgspec

from api.audit import audited
from api.context import Context
from api.endpoint import Endpoint, Paging
from api.lookup import or_404
from api.model import ApiModel, Listed, Time
from api.paging import page_of
from worker.store import sessions
from worker.store.keys import Role
from worker.store.sessions import Limits


class SessionFilters(Paging, frozen=True, kw_only=True):
    """Filters of the list of sessions."""

    subject: str | None = None
    """Subject of a person at the identity provider."""


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


class Sessions(Listed, frozen=True, kw_only=True):
    """Sessions that may be used now, the newest first."""

    sessions: list[SessionOfPerson]


class Ended(ApiModel, frozen=True, kw_only=True):
    """The number of sessions that were ended."""

    ended: int
    """Number of sessions that ended."""


def list_sessions(context: Context, query: SessionFilters, body: Any) -> dict[str, Any]:
    """All sessions that may be used now, the newest first."""
    limits = Limits(context.settings.elder_session_idle_timeout, context.settings.elder_session_lifetime)
    with context.pool.reading() as connection:
        return page_of("sessions", *sessions.page(connection, query.page, query.per_page, limits, query.subject), query)


def end_sessions(context: Context, query: OfSubject, body: Any) -> dict[str, Any]:
    """Ends the sessions of a person at once."""
    with audited(context, "sessions ended", f"person {query.subject}") as change:
        ended = sessions.end_all(change.connection, query.subject) or None
        change.before = or_404(ended, f"open session of the subject '{query.subject}'")
    return {"ended": len(change.before)}


ENDPOINTS = (
    Endpoint(
        "GET", "/sessions", "Sessions of people who are signed in", list_sessions, query=SessionFilters, answer=Sessions, role="admin"
    ),
    Endpoint("DELETE", "/sessions", "End all sessions of a person at once", end_sessions, query=OfSubject, answer=Ended, role="admin"),
)
