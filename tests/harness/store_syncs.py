"""Syncs of a connector against the store as its worker and the API would make them, without processes and without HTTP."""

from __future__ import annotations

import itertools

import msgspec
from store_runs import raws

from providers.errors import Outcome
from providers.records import Organization, Resource, Scope
from supervisor.messages import Cause, Exited
from worker.run import wire
from worker.run.outcome import Status, Verdict
from worker.store import connectors, sync
from worker.store.connection import Connection
from worker.sync.inventory import ApiInventory, Destination
from worker.sync.messages import SyncStored

OWNER = "connector:ldap"
PEOPLE = Scope("ldap", "dc=x", "", "user")

_numbers = itertools.count(1)


class StoreApi:
    """The calls of `ElderApi`, answered by the store. Each message goes through JSON, as on its way to the API."""

    def __init__(self, connection: Connection, guard: float = 0.1) -> None:
        self.connection, self.guard = connection, guard

    def begin_scope(self, opened):
        return sync.begin_scope(self.connection, _sent(opened))

    def store(self, batch):
        return sync.apply(self.connection, _sent(batch))

    def close_scope(self, closed):
        return sync.close_scope(self.connection, _sent(closed), self.guard)

    def put_run(self, run):
        connectors.put(self.connection, _sent(run))
        return SyncStored(run.owner, run.run, run.status)


class Sync:
    """One sync of a connector, driven by the test."""

    def __init__(
        self, connection: Connection, owner: str = OWNER, guard: float = 0.1, version: str = "", organization: int | None = None
    ) -> None:
        """`organization` is the id of one that is there; without it, the connector has its own."""
        api = StoreApi(connection, guard)
        self.inventory = ApiInventory(api, owner, f"sync-{next(_numbers)}", Destination(organization), version=version)
        self._placed = "" if organization else "o"
        self.inventory.organizations([] if organization else [Organization("o", "O")])
        self._index = itertools.count()

    def scope(self, found: list[Resource], scope: Scope = PEOPLE, outcome: Outcome = Outcome.COMPLETE, **end) -> None:
        """Reads one scope from its beginning to its end."""
        index = next(self._index)
        self.inventory.begin(index, scope)
        self.inventory.records(index, raws([msgspec.structs.replace(one, organization=self._placed) for one in found]))
        self.inventory.end(wire.ScopeEnd(index=index, outcome=outcome, resources=len(found), **end))

    def finish(self, verdict: Verdict | None = None) -> Verdict:
        """Finishes the sync."""
        return self.inventory.finish(verdict or Verdict(Status.COMPLETED), Exited(run="s", cause=Cause.EXITED, exit_code=0))


def sync_once(connection: Connection, found: list[Resource], outcome: Outcome = Outcome.COMPLETE, **end):
    """A sync of one scope; returns its totals."""
    run = Sync(connection)
    run.scope(found, outcome=outcome, **end)
    run.finish()
    return run.inventory.totals


def _sent(message):
    return msgspec.json.decode(msgspec.json.encode(message), type=type(message))
