"""Keys of the API over HTTP: made and rotated with the key shown once, listed without it, revoked at once."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from flask import Response

from api.audit import audited
from api.context import Context
from api.endpoint import Endpoint, NoQuery
from api.listing import Listing, ListQuery, listed, sortable
from api.lookup import check_organization, or_404
from api.model import WRITTEN, ApiModel, Time, bounds, length
from worker.store import keys
from worker.store.keys import Role

DAYS_AT_MOST = 3650
GRACE_AT_MOST = 30 * 86_400


class KeyBody(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a request that makes a key."""

    name: Annotated[str, length(1, 100, WRITTEN)]
    role: Role
    expires_in_days: Annotated[int, bounds(1, DAYS_AT_MOST)] | None = None
    """Days until the key is refused; null: it never expires."""
    organization_id: Annotated[int, bounds(1, 2**63 - 1)] | None = None
    """Id of the organization that the key sees, with those below it, and nothing else; null: everything. With the role `read` alone."""

    def __post_init__(self) -> None:
        """Bounds, as a `ValueError`."""
        keys.Names(self.name, self.role, self.organization_id)
        if self.organization_id is not None and not 1 <= self.organization_id < 2**63:
            raise ValueError("`organization_id` is the id of an organization")
        if self.expires_in_days is not None and not 1 <= self.expires_in_days <= DAYS_AT_MOST:
            raise ValueError(f"`expires_in_days` is from 1 to {DAYS_AT_MOST}; leave it out for a key that never expires")


class RotateBody(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a request that rotates a key."""

    grace_seconds: Annotated[int, bounds(0, GRACE_AT_MOST)] = 0
    """Seconds for which the old key is taken beside the new one."""

    def __post_init__(self) -> None:
        """Bounds, as a `ValueError`."""
        if not 0 <= self.grace_seconds <= GRACE_AT_MOST:
            raise ValueError(f"`grace_seconds` is from 0 to {GRACE_AT_MOST} (30 days)")


class Key(ApiModel, frozen=True, kw_only=True):
    """A key, without the key itself."""

    id: int
    name: str
    role: Role
    organization_id: int | None
    """Id of the organization that it sees, with those below it; null: everything."""
    prefix: str
    """Its first characters, to recognise it by."""
    created_by: str
    created_at: Time
    expires_at: Time | None
    last_used_at: Time | None
    """Time of the last use, to the minute."""
    rotated_at: Time | None
    revoked_at: Time | None
    previous_until: Time | None
    """Time until which the key before the last rotation is accepted as well."""


class NewKey(Key, frozen=True, kw_only=True):
    """A key that was just made or rotated; `key` is shown this once."""

    key: str
    """The key itself, for `Authorization: Bearer`."""


KEYS = Listing("keys", Key, "Keys", "Keys in an order, revoked ones too.")


class KeyFilters(ListQuery, frozen=True, kw_only=True):
    """Query of the list of keys."""

    sortings = keys.SORTINGS

    sort: Annotated[str, sortable(keys.SORTINGS)] = "-id"


def list_keys(context: Context, query: KeyFilters, body: Any) -> dict[str, Any] | Response:
    """All keys, the newest first."""
    return listed(context, KEYS, query, lambda _connection, _fields: keys.selection(query.sort))


def make_key(context: Context, query: NoQuery, body: KeyBody) -> dict[str, Any]:
    """Makes a new API key."""
    seconds = body.expires_in_days * 86_400 if body.expires_in_days else None
    with audited(context, "key made") as change:
        check_organization(change.connection, body.organization_id)
        row, key = keys.add(
            change.connection, body.name.strip(), body.role, by=change.actor.name, seconds=seconds, organization=body.organization_id
        )
        change.subject, change.after = f"key {row['id']}", row
    return {**row, "key": key}


def rotate_key(context: Context, query: NoQuery, body: RotateBody, key_id: int) -> dict[str, Any]:
    """Replaces a key by a new one."""
    with audited(context, "key rotated", f"key {key_id}") as change:
        change.before = keys.get(change.connection, key_id)
        row, key = or_404(keys.rotate(change.connection, key_id, body.grace_seconds), f"key {key_id} in use")
        change.after = row
    return {**row, "key": key}


def revoke_key(context: Context, query: NoQuery, body: Any, key_id: int) -> dict[str, Any]:
    """Ends a key at once."""
    with audited(context, "key revoked", f"key {key_id}") as change:
        change.before = keys.get(change.connection, key_id)
        row = change.after = or_404(keys.revoke(change.connection, key_id), f"key {key_id} in use")
    return row


ENDPOINTS = (
    KEYS.endpoint("/keys", "Keys of the API, without the keys themselves", list_keys, KeyFilters, "admin"),
    Endpoint("POST", "/keys", "Make a key; it is shown this once", make_key, 201, body=KeyBody, answer=NewKey, role="admin"),
    Endpoint(
        "POST",
        "/keys/{key_id}/rotate",
        "Replace a key; the old one may stay for a while",
        rotate_key,
        body=RotateBody,
        answer=NewKey,
        role="admin",
    ),
    Endpoint("DELETE", "/keys/{key_id}", "Revoke a key at once", revoke_key, answer=Key, role="admin"),
)
