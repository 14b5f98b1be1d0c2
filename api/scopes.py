"""Scopes over HTTP: what is read, when it was last read in full, and what no plan contains any more."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from flask import Response

from api import job_models
from api.audit import audited
from api.context import Context
from api.endpoint import Endpoint, NoQuery
from api.errors import ApiError
from api.listing import Listing, ListQuery, listed, sortable
from api.lookup import or_404
from api.model import ApiModel, Time
from worker.config.durations import seconds
from worker.store import claims, lifecycle
from worker.store.lifecycle import Filters
from worker.store.query import Query

State = Literal["current", "abandoned", "retired"]
RETIRABLE = ("provider", "account", "region", "resource_type", "owner")
"""Filters of which at least one names the scopes that are retired."""


class ScopeFilters(ListQuery, frozen=True, kw_only=True):
    """Filters of the list of scopes. `not_complete_for` is a duration such as ``7d``, ``12h`` or ``30m``."""

    sortings = lifecycle.SORTINGS

    state: State | None = None
    provider: str | None = None
    account: str | None = None
    region: str | None = None
    resource_type: str | None = None
    owner: str | None = None
    not_complete_for: str | None = None
    """Those that were not read in full for so long, such as `7d`, `12h` or `30m`."""
    never_complete: bool | None = None
    """True: those that were never read in full; false: the others."""
    sort: Annotated[str, sortable(lifecycle.SORTINGS)] = "last_complete_at"
    """Order of the list; `-` in front turns it round. By default the longest not read in full come first."""

    def __post_init__(self) -> None:
        """Bounds, as a `ValueError`."""
        super().__post_init__()
        if self.not_complete_for is not None:
            seconds("not_complete_for", self.not_complete_for)


class Scope(ApiModel, frozen=True, kw_only=True):
    """The smallest unit that is either read in full or not, across runs."""

    id: int
    owner: str
    """``job:42``, ``connector:ldap``; ``organization:7`` for scopes of earlier releases whose job was deleted."""
    provider: str
    account: str
    region: str
    resource_type: str
    coverage: str
    state: State
    """`abandoned`: its owner's plan does not contain it any more; `retired`: and its entities are marked as deleted."""
    state_since: Time
    last_attempt_at: Time | None
    last_complete_at: Time | None
    last_outcome: str
    message: str
    permission: str
    entities: int
    """The number of active entities."""


SCOPES = Listing("scopes", Scope, "Scopes", "Scopes in an order.")


class RetiredScopes(ApiModel, frozen=True, kw_only=True):
    """The result of retiring scopes; with `dry_run`, what it would be."""

    scopes: int
    entities: int
    """Number of entities that were marked as deleted."""
    types: dict[str, int] = msgspec.field(default_factory=dict)
    """Number of these entities by type, with `dry_run` alone."""


class RetireBody(msgspec.Struct, frozen=True, kw_only=True):
    """The abandoned scopes to retire; at least one filter is needed."""

    provider: str | None = None
    account: str | None = None
    region: str | None = None
    resource_type: str | None = None
    owner: str | None = None
    dry_run: bool = False
    """True: nothing is retired; the answer has the scopes and entities that would be."""

    def filters(self) -> Filters:
        """The scopes as the store chooses them. Raises `ApiError` where none are named."""
        named = Filters(**{name: value for name in RETIRABLE if (value := getattr(self, name)) is not None})
        if named == Filters():
            raise ApiError("the body names no scopes: give `owner`, `account`, `provider`, `region` or `resource_type`")
        return named


def list_scopes(context: Context, query: ScopeFilters, body: Any) -> dict[str, Any] | Response:
    """Scopes that fit the filters, the longest not complete first."""
    context.refresh()
    return listed(context, SCOPES, query, lambda _connection, _fields: selection(query))


def selection(query: ScopeFilters) -> Query:
    """The scopes that a query asks for."""
    given = msgspec.structs.asdict(query)
    since = seconds("not_complete_for", query.not_complete_for) if query.not_complete_for else None
    filters = Filters(**{name: given[name] for name in Filters.__struct_fields__ if name != "not_complete_for"}, not_complete_for=since)
    return lifecycle.selection(filters, query.sort)


def retire(context: Context, query: NoQuery, body: RetireBody) -> dict[str, Any]:
    """Retires the abandoned scopes that fit the filters, and tombstones what only they have seen."""
    filters = body.filters()
    if body.dry_run:
        lost = losses(context, body)
        return {"scopes": lost.scopes, "entities": lost.entities, "types": lost.types}
    named = " ".join(f"{name}={value}" for name in RETIRABLE if (value := getattr(filters, name)) is not None)
    with audited(context, "scopes retired", named) as line:
        retired = line.after = msgspec.structs.asdict(lifecycle.retire(line.connection, filters))
    return retired


def losses(context: Context, body: RetireBody) -> lifecycle.Losses:
    """The losses if the abandoned scopes that fit were retired now. Raises `ApiError`."""
    with context.pool.reading() as connection:
        return lifecycle.losses(connection, body.filters())


def accept_identity(context: Context, query: NoQuery, body: Any, job_id: int) -> dict[str, Any]:
    """Lets a job read another account, tenant, cluster or directory than before; it is due at once."""
    with audited(context, "identity accepted", f"job {job_id}") as line:
        before = or_404(claims.accept_identity(line.connection, job_id), f"job {job_id}")
        line.before = {"identity": before or None}
    was = f"it was pinned to {before}, and " if before else ""
    return {"job_id": job_id, "success": True, "message": f"{was}its next complete run pins it to what it reads"}


ENDPOINTS = (
    SCOPES.endpoint("/scopes", "Scopes, the longest not read in full first", list_scopes, ScopeFilters, "read"),
    Endpoint("POST", "/scopes/retire", "Retire abandoned scopes", retire, body=RetireBody, answer=RetiredScopes, role="operate"),
    Endpoint(
        "POST",
        "/discovery/jobs/{job_id}/accept-identity",
        "Let a job read another source than before",
        accept_identity,
        answer=job_models.Done,
        role="operate",
    ),
)
