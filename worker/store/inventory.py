"""Stores a discovery run's results in PostgreSQL.

Late writes are refused: a run whose token is no longer the claim's writes nothing, not even its own end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from providers.counted import counted_are
from providers.errors import Outcome
from providers.records import Absence, Identity, Organization, Scope
from supervisor.messages import Exited
from worker.run import wire
from worker.run.inventory import InventoryError, NotStored, Totals, Unanswered, WritesLost, held_back, release_command
from worker.run.outcome import RunLog, Status, Verdict
from worker.run.queue import Claimed
from worker.store import claims, links, losses, marks, run_logs, scopes, statements, tombstones
from worker.store.claimed import ClaimedConnection
from worker.store.connection import Connection
from worker.store.ingest import Stored
from worker.store.open_scope import OpenScope, Taken
from worker.store.run_writes import RunWrites

NOT_REACHED = "planned, and not reached before the run ended: the next run begins with it"


class PostgresInventory:
    """The inventory of one discovery run."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        claimed: Claimed,
        owner: str,
        guard: float,
        organization: Callable[[Connection, Scope], int],
        *,
        pins: bool = True,
        version: str = "",
        grace: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """`owner` holds the claim; `organization` returns the organization for a job without one; `guard` is MASS_DELETE_GUARD.

        `pins`: the job may read one account, tenant, cluster or directory only, the one of its first complete scope. `version` is that of
        the catalogue; `grace` gives the seconds for which a database that does not answer is waited for.
        """
        self._claimed, self._owner, self._guard, self._place, self._pins = claimed, owner, guard, organization, pins
        self._version = version
        self._scopes_owner = scopes.job_owner(claimed.job_id)
        self.totals = Totals()
        self._claim = ClaimedConnection(connect, owner, claimed, self.totals, grace)
        self._writes = RunWrites(self._claim, claimed, self.totals)

    def observe(self, stored: Callable[[int, int], None]) -> None:
        """Has `stored` called after each batch, with when it began and its rows."""
        self._writes.observer = stored

    def identity(self, identity: Identity) -> None:
        """Stores the identity with the run.

        Raises `InventoryError` when the job is pinned to another, or another job to this one by another place.
        """
        self._writes.identity, job, pinned = identity, self._claimed.job_id, self._claimed.identity
        if not self._pins:
            return
        if pinned and identity.account != pinned:
            raise InventoryError(_other_identity(job, pinned, identity.account), error_kind="config")
        if identity.place and not pinned:
            found = self._writes.transact(lambda connection: claims.pinned_elsewhere(connection, job, identity.account, identity.place))
            if found:
                raise InventoryError(_other_place(job, identity, found), error_kind="config")

    def organizations(self, organizations: list[Organization]) -> None:
        """Ignored: all resources of a job belong to the job's organization."""

    def begin(self, index: int, scope: Scope) -> None:
        """Opens a scope: records the attempt and loads its marks or fingerprints. Raises `InventoryError` for another provider's scope."""
        if scope.provider != self._claimed.provider:
            sentence = f"a job of the provider {self._claimed.provider} reported a scope of {scope.provider[:100]}: nothing of it is stored"
            raise InventoryError(sentence, error_kind="protocol")

        def load(connection: Connection) -> OpenScope:
            if self._writes.organization is None:
                self._writes.organization = self._place(connection, scope)
            row, version, marked = scopes.begin(connection, self._scopes_owner, scope, self._claimed.run_id)
            opened = OpenScope(row, scope, marks.load(connection, row, valid=marked), same_catalogue=version == self._version)
            if not opened.marks.missing:
                opened.load(connection)
            return opened

        self._writes.scopes[index] = self._writes.transact(load)

    def repeated(self, index: int, encoded: bytes | memoryview) -> int:
        """Counts a batch of the last complete reading as unchanged, for one hash; returns how many resources it holds, else 0."""
        resources = self._writes.scopes[index].marks.repeated(encoded)
        self.totals.resources += resources
        self.totals.unchanged += resources
        return resources

    def records(self, index: int, resources: list[msgspec.Raw]) -> None:
        """Gathers new and changed resources; an unchanged resource costs one or two hashes."""
        opened = self._writes.scopes[index]
        if not opened.loaded:
            self._writes.transact(opened.load)
        refused: list[bytes] = []
        before = len(opened.gathered)
        unchanged, size = opened.compare(resources, refused)
        for data in refused:
            self._reject(opened, data, "not a resource")
        self.totals.resources += len(resources)
        self.totals.unchanged += unchanged
        self._writes.gathered(len(opened.gathered) - before, size)

    def flush(self, log: RunLog | None = None) -> None:
        """Writes the gathered resources, the progress, and what the run has logged so far."""

        def put(connection: Connection, _stored: dict[int, Stored]) -> None:
            if log is not None:
                run_logs.put(connection, self._claimed.run_id, log)

        self._writes.store(put)

    def end(self, end: wire.ScopeEnd) -> None:
        """Writes the rest of a scope and its ledger line, and decides on the entities that the scope did not show.

        A complete scope tombstones those whose absence is proven, or holds them back. An incomplete scope, or a scope that was seen from
        outside its owner, deletes nothing: what it did show is confirmed and not held back any more. The scope's losses of links and
        attributes are settled in any case. A complete scope pins the job to its account; one that is gone, by its source, is retired.
        """
        opened = self._writes.scopes[end.index]

        def close(connection: Connection, stored: dict[int, Stored]) -> Taken:
            rejected = opened.rejected + end.rejected + stored.get(end.index, Stored()).rejected
            complete = end.outcome is Outcome.COMPLETE and not rejected
            deleted = held = 0
            connection.execute(statements.get("own_reading"), {"scope": opened.row})
            unseen, proven = [], []
            if complete:
                unseen = list(opened.unseen(connection))
                proven = tombstones.proven(connection, opened.row, unseen, end.absence)
            else:
                tombstones.confirm_seen(connection, opened.row, opened.unseen(connection))
            if complete and end.absence is not Absence.OUTSIDE:
                deleted, held = tombstones.tombstone(connection, opened.row, self._claimed.run_id, proven, opened.had, self._guard)
            else:
                tombstones.unhold_seen(connection, opened.row, opened.unseen(connection))
            taken = Taken(deleted, held, *losses.settle(connection, opened.row, self._claimed.run_id, self._guard))
            self._ledger(connection, opened, end, taken, stored.get(end.index, Stored()), bool(unseen) or not complete)
            if complete and not end.gone and not held and not (unseen and end.absence is not Absence.DELETED):
                opened.marks.keep(connection, opened.row, self._claimed.run_id)
            if end.gone and end.outcome is Outcome.COMPLETE:
                scopes.retire_gone(connection, opened.row)
            if end.outcome is Outcome.COMPLETE and self._pins and self._writes.identity and self._writes.identity.account:
                claims.pin(connection, self._claimed.job_id, self._writes.identity)
            return taken

        taken = self._writes.store(close)
        del self._writes.scopes[end.index]
        self.totals.rejected += end.rejected
        self.totals.deleted += taken.deleted
        self.totals.held_back += taken.held
        self.totals.held_links += taken.held_links
        self.totals.held_attributes += taken.held_attributes
        self.totals.outcomes[end.outcome] = self.totals.outcomes.get(end.outcome, 0) + 1

    def not_reached(self, planned: list[Scope]) -> None:
        """Adds a line to the ledger for each scope that was planned and not begun."""
        run = self._claimed.run_id
        self._writes.transact(lambda connection: scopes.not_reached(connection, self._scopes_owner, run, planned, NOT_REACHED))
        self.totals.outcomes[Outcome.NOT_REACHED] = len(planned)

    def finish(self, verdict: Verdict, exited: Exited) -> Verdict:  # noqa: ARG002 - part of the Inventory protocol
        """Stores the outcome exactly once and returns the job to its schedule. Raises `NotStored` when the database does not answer."""
        sentence = held_back(self.totals, release_command(self._claimed.run_id))
        if sentence and verdict.status is Status.COMPLETED:
            verdict = msgspec.structs.replace(verdict, error=sentence)

        try:
            self._conclude(verdict)
        except Unanswered as error:
            raise NotStored(str(error), _failed(error, verdict) if self._writes.pending else verdict) from error
        except InventoryError as error:
            if error.error_kind != "database" or not (self._writes.pending or isinstance(error, WritesLost)):
                raise
            self._writes.forget()  # rows that the database rejects must not prevent the outcome from being stored
            if verdict.carried_out:
                verdict = _failed(error, verdict)
            self._conclude(verdict)
        finally:
            self._claim.close()
        return verdict

    def _conclude(self, verdict: Verdict) -> None:
        def conclude(connection: Connection, stored: dict[int, Stored]) -> None:
            organization, wrote = self._writes.organization, self._writes.wrote or bool(stored)
            if self._writes.identity is not None:
                claims.put_credential(connection, self._claimed.job_id, self._writes.identity)
            if organization is not None and (claims.take_unresolved_links(connection, self._claimed, organization) or wrote):
                links.resolve(connection, [organization])
            if verdict.status is Status.RELEASED:
                claims.release(connection, self._owner, self._claimed, verdict.log)
            else:
                if verdict.carried_out:
                    scopes.abandon(connection, self._scopes_owner, self._claimed.run_id)
                claims.finish(connection, self._owner, self._claimed, verdict)

        try:
            self._writes.store(conclude)
        except InventoryError as error:
            if error.error_kind != "lost" or not self._claim.ended_as(verdict):
                raise
            self.totals.refused_writes -= 1  # not late: the first try had been committed

    def _reject(self, opened: OpenScope, data: bytes, why: str) -> None:
        opened.reject(Stored(rejected=1, reasons=[(data[:80].decode(errors="replace"), why)]))
        self.totals.rejected += 1

    def _ledger(self, connection: Connection, opened: OpenScope, end: wire.ScopeEnd, taken: Taken, last: Stored, recount: bool) -> None:
        message, rejected = end.message, opened.rejected + end.rejected + last.rejected
        if rejected:
            first = end.rejection or opened.rejection or last.rejection or "its reason was not told"
            message = f"{message}; " if message else ""
            message += f"{counted_are(rejected, 'resource', past=True)} refused, and nothing was marked as gone; the first: {first}"
        values = {
            "run": self._claimed.run_id,
            "scope": opened.row,
            **msgspec.structs.asdict(opened.scope),
            "outcome": end.outcome.value,
            "resources": end.resources,
            "deleted": taken.deleted,
            "held_back": taken.held,
            "held_links": taken.held_links,
            "held_attributes": taken.held_attributes,
            "message": message[:2000],
            "permission": end.permission,
            "detail": end.detail[:8000],
            "as_of": end.as_of,
        }
        connection.execute(statements.get("add_to_ledger"), values)
        changed = opened.grown or recount
        ended = scopes.Ended(end.outcome.value, message[:2000], end.permission, self._version, changed, rejected)
        scopes.end(connection, opened.row, ended)


@contextmanager
def closing(inventory: PostgresInventory) -> Iterator[PostgresInventory]:
    """Closes the inventory's connection at the end of the block, for tests and tools that do not call `finish`."""
    try:
        yield inventory
    finally:
        inventory._writes.close()  # noqa: SLF001


def _failed(error: InventoryError, verdict: Verdict) -> Verdict:
    return Verdict(Status.ERROR, error.error_kind, str(error), error.detail, log=verdict.log)


def _other_identity(job: int, pinned: str, found: str) -> str:
    return (
        f"the job has read {pinned} so far, and its config now leads to {found or 'a source that does not say who it is'}: "
        f"nothing was read; if that is meant, accept it with: elder-worker jobs accept-identity {job}"
    )


def _other_place(job: int, identity: Identity, other: dict[str, Any]) -> str:
    return (
        f"job {other['id']} ({other['name']}) has read {identity.account} at {other['place']} so far, and the config of this job leads to "
        f"{identity.place}, which says that it is the same: nothing was read; if that is so, "
        f"accept it with: elder-worker jobs accept-identity {job}"
    )
