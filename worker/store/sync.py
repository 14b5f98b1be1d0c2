"""The server's side of the connectors' calls (`worker.sync.messages`): fingerprints of a scope, a batch, the end of a scope.

Every call is idempotent. All state is in the database, so that any process of the API can answer any call.
"""

from __future__ import annotations

import array
import sys

from providers.errors import Outcome
from providers.records import Absence, Organization, Scope
from worker.run.fingerprints import INTEGER, Change, Entry, content_of, key_of
from worker.store import connectors, links, losses, organizations, scopes, tombstones
from worker.store.connection import Connection, transaction
from worker.store.errors import BadData
from worker.store.ingest import Ingest
from worker.sync.messages import Batch, Fingerprints, Rejected, ScopeClosed, ScopeOpened, Stored, Tombstoned


def fingerprints(connection: Connection, owner: str, scope: Scope) -> Fingerprints:
    """Returns the fingerprints of a scope, without adding the scope. Raises `StoreError`."""
    row = scopes.find_scope(connection, owner, scope)
    if row is None:
        return Fingerprints()
    return _known(connection, row)


def _known(connection: Connection, row: int) -> Fingerprints:
    known = scopes.fingerprints(connection, row)
    return Fingerprints(known.to_bytes(), len(known))


def begin_scope(connection: Connection, opened: ScopeOpened) -> Fingerprints:
    """Records that a sync reads a scope from now on; returns the scope's fingerprints. Raises `StoreError`."""
    with transaction(connection):
        row = scopes.begin(connection, opened.owner, opened.scope, connectors.begin(connection, opened.owner, opened.run)).row
    return _known(connection, row)


def apply(connection: Connection, batch: Batch) -> Stored:
    """Stores a batch. Raises `StoreError`; `BadData` when an organization is needed and none is given."""
    entries, rejected = _entries(batch)
    with transaction(connection):
        places = _Places(connection, batch)
        row = scopes.scope_id(connection, batch.owner, batch.scope)
        known = scopes.fingerprints_of(connection, row, [entry.key for entry in entries])
        new: list[Entry] = []
        changed: list[Entry] = []
        for entry in entries:
            found = known.compare(entry.key, entry.content)
            if found is not Change.UNCHANGED:
                (new if found is Change.NEW else changed).append(entry)
        same_catalogue = scopes.catalogue_version(connection, row) == batch.catalogue_version
        stored = Ingest(connection, row, batch.scope, places.of, places.all, same_catalogue=same_catalogue).store(new, changed)
    rejected += [Rejected(external_id, why) for external_id, why in stored.reasons]
    unchanged = len(entries) - stored.created - stored.updated - stored.rejected
    return Stored(stored.created, stored.updated, unchanged, rejected)


def _entries(batch: Batch) -> tuple[list[Entry], list[Rejected]]:
    entries, rejected = [], []
    for raw in batch.resources:
        data = bytes(raw)
        try:
            entries.append(Entry(key_of(data), content_of(data), data))
        except ValueError as error:
            rejected.append(Rejected(data[:80].decode(errors="replace"), str(error)))
    return entries, rejected


def close_scope(connection: Connection, closed: ScopeClosed, guard: float) -> Tombstoned:
    """Tombstones what a complete scope no longer has. Raises `StoreError`."""
    with transaction(connection):
        sync = connectors.begin(connection, closed.owner, closed.run)
        if closed.outcome == Outcome.NOT_REACHED:
            connectors.add_line(connection, sync, scopes.scope_id(connection, closed.owner, closed.scope), closed, Tombstoned())
            return Tombstoned()
        row = scopes.begin(connection, closed.owner, closed.scope, sync).row
        deleted = held = 0
        if closed.not_shown is not None:
            tombstones.unhold_seen(connection, row, _keys(closed.not_shown))
        elif closed.outcome == Outcome.COMPLETE:
            unseen = tombstones.proven(connection, row, _keys(closed.unseen), Absence.DELETED)
            found = connection.execute("select count(*) from entities where scope_id = %s and is_active", [row]).fetchone()
            assert found is not None
            deleted, held = tombstones.tombstone(connection, row, None, unseen, found[0], guard)
        else:
            tombstones.clear_held(connection, row)
        held_too = losses.settle(connection, row, None, guard)
        message, permission = closed.message[:2000], closed.permission[:2000]
        ended = scopes.Ended(closed.outcome, message, permission, closed.catalogue_version, changed=True, rejected=closed.rejected)
        scopes.end(connection, row, ended)
        done = Tombstoned(deleted, held, *held_too)
        connectors.add_line(connection, sync, row, closed, done)
        if closed.gone and closed.outcome == Outcome.COMPLETE:
            scopes.retire_gone(connection, row)
        own = scopes.organization_ids(connection, closed.owner)
        links.resolve(connection, list({*own.values(), *_used(connection, row)}))
    return done


def _keys(data: bytes) -> array.array[int]:
    """Keys as a message carries them: little-endian."""
    keys = array.array(INTEGER, data)
    if sys.byteorder == "big":
        keys.byteswap()
    return keys


def _used(connection: Connection, scope: int) -> list[int]:
    """Organizations of the scope's entities; DEFAULT_ORGANIZATION_ID, which the connector did not make, may be among them."""
    rows = connection.execute("select distinct organization_id from entities where scope_id = %s", [scope])
    return [number for (number,) in rows]


class _Places:
    """Maps resources to organizations, by DEFAULT_ORGANIZATION_ID and CREATE_MISSING_ORGANIZATIONS."""

    def __init__(self, connection: Connection, batch: Batch) -> None:
        self._default = batch.default_organization_id
        if self._default is not None and organizations.get(connection, self._default) is None:
            raise BadData(f"DEFAULT_ORGANIZATION_ID is {self._default}, and there is no such organization")
        self._known = scopes.organization_ids(connection, batch.owner)
        if batch.create_missing_organizations:
            scopes.add_organizations(connection, batch.owner, self._rooted(batch), self._known)
        elif self._default is None:
            raise BadData("CREATE_MISSING_ORGANIZATIONS=false needs DEFAULT_ORGANIZATION_ID")

    def _rooted(self, batch: Batch) -> list[Organization]:
        """The batch's organizations, or a root named after the connector when there are none."""
        if batch.organizations or self._known or self._default is not None:
            return batch.organizations
        return [Organization("", batch.owner.removeprefix("connector:"))]

    def of(self, external_id: str) -> int:
        """The organization's row. Raises `BadData` when there is none."""
        found = self._known.get(external_id, self._default)
        if found is None:
            raise BadData(f"its organization was not named before: '{external_id}'")
        return found

    def all(self) -> list[int]:
        """Organizations in which links of this connector are resolved."""
        return list({*self._known.values(), *([self._default] if self._default is not None else [])})
