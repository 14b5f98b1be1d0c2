"""The server's side of the connectors' requests (`worker.sync.messages`)."""

from __future__ import annotations

from typing import Any, get_args

import msgspec

from api import job_models
from api.audit import audited
from api.context import Context
from api.endpoint import Endpoint, NoQuery, Paging
from api.errors import ApiError, InvalidBody
from api.job_models import RunStatus
from api.paging import page_of
from providers.records import Scope
from worker.store import connectors, held, sync, sync_requests, tombstones
from worker.sync.messages import (
    Batch,
    Fingerprints,
    HeldReleased,
    ReleaseHeld,
    ScopeClosed,
    ScopeOpened,
    Stored,
    SyncRun,
    SyncsRequested,
    SyncStored,
    Tombstoned,
    WorkerConnectors,
)

OWNERS = "connector:"
"""Prefix of connectors' scopes: a connector must not touch what discovery jobs have found."""


class HeldQuery(Paging, frozen=True, kw_only=True):
    """Names a connector, as in ``connector:ldap``."""

    owner: str


class ScopeQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Names a scope of a connector."""

    owner: str
    provider: str
    account: str = ""
    region: str = ""
    resource_type: str = ""
    coverage: str = ""


def fingerprints(context: Context, query: ScopeQuery, body: Any) -> Fingerprints:
    """Returns the fingerprints of a scope's entities, 16 bytes each."""
    scope = Scope(query.provider, query.account, query.region, query.resource_type, query.coverage)
    with context.pool.reading() as connection:
        return sync.fingerprints(connection, _owner(query.owner), scope)


def begin_scope(context: Context, query: NoQuery, body: ScopeOpened) -> Fingerprints:
    """The beginning of a scope: it is shown as being read, until its end."""
    _owner(body.owner)
    with context.pool.connection() as connection:
        return sync.begin_scope(connection, body)


def store_batch(context: Context, query: NoQuery, body: Batch) -> Stored:
    """Bulk upsert; may be sent twice."""
    _owner(body.owner)
    with context.pool.connection() as connection:
        return sync.apply(connection, body)


def close_scope(context: Context, query: NoQuery, body: ScopeClosed) -> Tombstoned:
    """The end of a scope."""
    _owner(body.owner)
    if len(body.unseen) % 8:
        raise InvalidBody(["`unseen` is base64 of 64-bit keys"])
    with context.pool.connection() as connection:
        return sync.close_scope(connection, body, context.settings.mass_delete_guard)


def release_held(context: Context, query: NoQuery, body: ReleaseHeld) -> HeldReleased:
    """Applies what the guard held back of a connector's syncs."""
    with audited(context, "deletions released", _owner(body.owner)) as line:
        released = tombstones.release_connector(line.connection, body.owner, line.actor.name)
        line.after = released._asdict()
    return HeldReleased(body.owner, *released)


def list_held_of_connector(context: Context, query: HeldQuery, body: Any) -> dict[str, Any]:
    """Lists the deletions that the guard holds back for a connector, by name."""
    with context.pool.reading() as connection:
        return page_of("held", *held.page(connection, query.page, query.per_page, owner=_owner(query.owner)), query)


def _owner(owner: str) -> str:
    if not owner.startswith(OWNERS):
        raise ApiError(f"`owner` is '{OWNERS}' and the name of a connector, not '{owner[:100]}'")
    return owner


def put_run(context: Context, query: NoQuery, body: SyncRun) -> SyncStored:
    """Stores how a connector's sync stands."""
    _owner(body.owner)
    if body.status not in get_args(RunStatus):
        raise InvalidBody([f"`status` is one of {', '.join(get_args(RunStatus))}"])
    if body.status == "running":
        with context.pool.connection() as connection:
            connectors.put(connection, body)
    else:
        with audited(context, "connector synced", body.owner) as line:
            connectors.put(line.connection, body, context.settings.connector_syncs_kept)
            line.after = {name: getattr(body, name) for name in ("status", "error_kind", "created", "updated", "deleted")}
    return SyncStored(body.owner, body.run, body.status)


def report_connectors(context: Context, query: NoQuery, body: WorkerConnectors) -> SyncsRequested:
    """Stores how the connectors of a worker stand, and gives it the syncs that people have asked for."""
    with context.pool.connection() as connection:
        return SyncsRequested(sync_requests.report(connection, body))


ENDPOINTS = (
    Endpoint("POST", "/sync/runs", "How a connector's sync stands", put_run, body=SyncRun, answer=SyncStored, bulk=True, role="sync"),
    Endpoint(
        "POST",
        "/sync/connectors",
        "How the connectors of a worker stand, and which syncs people want at once",
        report_connectors,
        body=WorkerConnectors,
        answer=SyncsRequested,
        bulk=True,
        role="sync",
    ),
    Endpoint(
        "GET",
        "/sync/fingerprints",
        "What is known of a connector's scope",
        fingerprints,
        query=ScopeQuery,
        answer=Fingerprints,
        role="sync",
    ),
    Endpoint(
        "POST",
        "/sync/scopes/begin",
        "The beginning of a connector's scope",
        begin_scope,
        body=ScopeOpened,
        answer=Fingerprints,
        bulk=True,
        role="sync",
    ),
    Endpoint("POST", "/sync/batch", "Bulk upsert by a connector", store_batch, body=Batch, answer=Stored, bulk=True, role="sync"),
    Endpoint(
        "POST", "/sync/scopes", "The end of a connector's scope", close_scope, body=ScopeClosed, answer=Tombstoned, bulk=True, role="sync"
    ),
    Endpoint(
        "GET",
        "/sync/held",
        "What the guard holds back of a connector, by name",
        list_held_of_connector,
        query=HeldQuery,
        answer=job_models.Held,
        role="read",
    ),
    Endpoint(
        "POST",
        "/sync/release",
        "Apply what the guard held back of a connector",
        release_held,
        body=ReleaseHeld,
        answer=HeldReleased,
        role="operate",
    ),
)
