"""The audit log: each change by a person is written with its line in one transaction, and the lines are served."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Annotated, Any

from flask import Response

from api import times
from api.access import actor
from api.context import Context
from api.errors import Conflict
from api.listing import Listing, ListQuery, listed, sortable
from api.model import ApiModel, Time
from worker.store import audit
from worker.store.audit import Actor
from worker.store.connection import Connection, transaction
from worker.store.errors import NotPossible


@dataclasses.dataclass
class Change:
    """A change under way, and its line in the audit log. `before` and `after` show secrets as marks."""

    connection: Connection
    actor: Actor
    action: str
    subject: str
    before: Any = None
    after: Any = None


class AuditFilters(ListQuery, frozen=True, kw_only=True):
    """Filters of the audit log: `since` and `until` are moments or durations before now (``24h``)."""

    sortings = audit.SORTINGS

    actor: str | None = None
    action: str | None = None
    object: str | None = None
    since: str | None = None
    until: str | None = None
    sort: Annotated[str, sortable(audit.SORTINGS)] = "-at"

    def __post_init__(self) -> None:
        """Bounds, as a `ValueError`."""
        super().__post_init__()
        self.wanted()

    def wanted(self) -> audit.Wanted:
        """The filters as the store takes them. Raises `ValueError`."""
        since, until = (times.moment(name, text) if text else None for name, text in (("since", self.since), ("until", self.until)))
        return audit.Wanted(actor=self.actor, action=self.action, subject=self.object, since=since, until=until)


class AuditLine(ApiModel, frozen=True, kw_only=True):
    """One change: who made it, from where, and the object before and after; secrets are marks."""

    id: int
    at: Time
    """Time of the change."""
    actor: str
    """``key:NAME``, ``ELDER_API_KEY``, ``local`` (without a key on loopback), ``cli:USER`` or ``oidc:NAME (SUBJECT at ISSUER)``."""
    role: str
    address: str
    action: str
    object: str
    before: Any
    """The object before; null where there was none."""
    after: Any
    """The object after; null where there is none."""


AUDIT = Listing("audit", AuditLine, "AuditLog", "Lines of the audit log in an order.")


@contextlib.contextmanager
def audited(context: Context, action: str, subject: str = "") -> Iterator[Change]:
    """A transaction for a change; its line is added at the end, and neither is stored without the other.

    What is stored may not allow the change: that becomes a `Conflict`.
    """
    try:
        with context.pool.connection() as connection, transaction(connection):
            change = Change(connection, actor(), action, subject)
            yield change
            audit.add(connection, change.actor, change.action, change.subject, change.before, change.after)
    except NotPossible as error:
        raise Conflict(str(error)) from None


def list_lines(context: Context, query: AuditFilters, body: Any) -> dict[str, Any] | Response:
    """Lines of the audit log, the newest first."""
    return listed(context, AUDIT, query, lambda _connection, _fields: audit.selection(query.wanted(), query.sort))


ENDPOINTS = (AUDIT.endpoint("/audit", "Who changed what, the newest first", list_lines, AuditFilters, "admin"),)
