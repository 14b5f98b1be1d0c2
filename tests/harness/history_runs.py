"""Runs of jobs and syncs of connectors in a history: each a generator that stops between its steps, so that others come in between."""

from __future__ import annotations

import itertools
import random
import uuid
from collections.abc import Callable, Iterator

import msgspec
from history_world import LAGGING, OUTSIDE, Reader, View
from store_runs import raws
from store_syncs import Sync

from providers.errors import Outcome
from providers.records import Absence, Identity, Resource, Scope
from supervisor.messages import Cause, Exited
from worker.run import wire
from worker.run.inventory import InventoryError, NotStored
from worker.run.outcome import Status, Verdict
from worker.store import claims
from worker.store.connection import Connection, transaction
from worker.store.errors import Unreachable
from worker.store.inventory import PostgresInventory

Views = dict[tuple[str, Scope], View]

FAULTS = ("", "", "", "", "", "cut off", "writer dies", "database away", "other identity", "other provider", "list denied")
"""Faults of a run; an empty one is none, as most runs have none."""

ENDS = (*[Outcome.COMPLETE] * 8, Outcome.DENIED, Outcome.THROTTLED, Outcome.ERROR)
ABSENCES = {OUTSIDE: Absence.OUTSIDE, LAGGING: Absence.LAGGING}
"""Consequences of an absence by the type of a place; of all others it proves a deletion."""


class Reading:
    """Base of all readings: opens one scope after another, and adds what it shows to the views."""

    def __init__(self, random: random.Random, reader: Reader, views: Views, active: Callable[[], set[str]], log: list[str]) -> None:
        """`active` returns the ids that are active in the store."""
        self.random, self.reader, self.views, self.active, self.log = random, reader, views, active, log
        self.sent: dict[Scope, set[str]] = {}
        self.completed: set[Scope] = set()

    def view(self, place: Scope) -> View:
        return self.views.setdefault((self.reader.owner, place), View())

    def begun(self, place: Scope) -> None:
        view = self.view(place)
        if not view.believed:
            view.must &= self.active()
        view.state = "current"
        self.sent[place] = set()

    def show(self, place: Scope, batch: list[Resource]) -> None:
        self.sent[place].update(one.external_id for one in batch)
        self.view(place).may.update(one.external_id for one in batch)

    def stored(self) -> None:
        """All that was sent is stored now: what others have of it and nobody believes any more is this reader's."""
        for place, ids in self.sent.items():
            self.view(place).must.update(ids)
            for view in self.views.values():
                if not view.believed and view is not self.view(place):
                    view.must.difference_update(ids)

    def ended(self, place: Scope, *, complete: bool) -> None:
        self.stored()
        for one in self.sent[place]:  # only the end of a scope tells the store that it was seen
            self.view(place).missed.pop(one, None)
        if complete:
            self.view(place).complete(self.sent[place], self.reader.source.quarters)
            self.completed.add(place)
        del self.sent[place]

    def batches(self, place: Scope) -> Iterator[list[Resource]]:
        found, size = self.reader.shown(place), self.random.choice((5, 20, 500))
        for start in range(0, len(found), size):
            yield found[start : start + size]

    def end(self, index: int, place: Scope, sent: int) -> wire.ScopeEnd:
        """How the reading of a scope ends: mostly complete."""
        outcome = self.random.choice(ENDS)
        rejected = self.random.choice((0, 0, 0, 0, 0, 2)) if outcome is Outcome.COMPLETE else 0
        gone = outcome is Outcome.COMPLETE and not rejected and not sent and self.random.random() < 0.3
        absence = ABSENCES.get(place.resource_type, Absence.DELETED)
        return wire.ScopeEnd(index=index, outcome=outcome, resources=sent, rejected=rejected, gone=gone, absence=absence, message="why")

    def note(self, text: str) -> None:
        self.log.append(f"    {self.reader.owner}: {text}")


class JobRun(Reading):
    """One run of a job."""

    def __init__(self, *arguments, connection: Connection, job: int, organization: int, fault: str | None = None) -> None:
        super().__init__(*arguments)
        self.connection, self.job = connection, job
        self.fault = self.random.choice(FAULTS) if fault is None else fault
        self.away = 0
        self.broken = False
        """True when the database was away for so long that the run gave up."""
        self.owner = str(uuid.UUID(int=self.random.getrandbits(128)))
        claimed = claims.claim(connection, self.owner, "test", 30.0, 1, job)
        self.claimed = claimed[0] if claimed else None
        if self.claimed:
            place = lambda _connection, _scope: organization  # noqa: E731
            self.inventory = PostgresInventory(lambda: connection, self.claimed, self.owner, 0.1, place, version=self.reader.version)
            self._attempt, self.inventory._claim._attempt = self.inventory._claim._attempt, self._faulty
            self.aside = self.inventory._writes._aside
            self.aside.start = self._write_ahead
            self.wrote_ahead = False

    def _write_ahead(self, work) -> None:
        """Writes what is gathered without a thread: the order of a history is that of its seed."""
        self.aside._do(work)
        self.wrote_ahead = self.aside._error is None

    def _faulty(self, work):
        """A transaction of the run, some of which meet a broken connection: before they begin, or after their commit."""
        if self.away or self.random.random() < 0.03:
            self.away -= self.away > 0
            raise Unreachable("the connection broke before the transaction")
        result = self._attempt(work)
        if self.random.random() < 0.03:
            raise Unreachable("the connection broke at the commit")
        return result

    def steps(self) -> Iterator[None]:
        if self.claimed is None:
            self.note("is running already")
            return
        self.note(f"run {self.claimed.run_id} plans {[f'{p.region}/{p.resource_type}' for p in self.reader.plan]} {self.fault}")
        try:
            yield from self._read()
        except InventoryError as error:
            self.broken = True
            self.note(f"ends: {error.error_kind}: {str(error)[:60]}")
            self._finish(Verdict(Status.ERROR, error.error_kind, str(error)))

    def _read(self) -> Iterator[None]:
        account = "another" if self.fault == "other identity" and self.claimed.identity else "mine"
        self.inventory.identity(Identity("reader", account))
        plan = self.random.sample(self.reader.plan, len(self.reader.plan))
        listed = [place for place in plan if not (self.fault == "list denied" and place.region == "r1")]
        if self.fault == "list denied":
            self._denied_list(plan[0])
        cut_at = self.random.randrange(len(listed) * 3 + 1) if self.fault in {"cut off", "writer dies", "database away"} else 1_000_000
        ticks = itertools.count()
        for index, place in enumerate(listed):
            if self.fault == "other provider" and self.random.random() < 0.5:
                self.inventory.begin(99, Scope("gcp", place.account, place.region, place.resource_type))
            self.inventory.begin(index, place)
            self.begun(place)
            for batch in self.batches(place):
                if next(ticks) >= cut_at:
                    yield from self._cut(index, place, listed)
                    return
                self._send(index, place, batch)
                yield
            if next(ticks) >= cut_at:
                yield from self._cut(index, place, listed)
                return
            self._end(self.end(index, place, len(self.sent[place])), place)
            yield
        self._finish(Verdict(Status.PARTIAL if self.fault == "list denied" else Status.COMPLETED), set(listed))

    def _denied_list(self, place: Scope) -> None:
        unknown = Scope(place.provider, place.account, "r1", "*")
        self.inventory.begin(98, unknown)
        self.inventory.end(wire.ScopeEnd(index=98, outcome=Outcome.DENIED, resources=0))

    def _send(self, index: int, place: Scope, batch: list[Resource]) -> None:
        self.show(place, batch)
        self.wrote_ahead = False
        if not self.inventory.repeated(index, wire.encode_resources(batch)):
            self.inventory.records(index, raws(batch))
        if self.wrote_ahead:  # by this batch: what came after the last write is only gathered
            self.stored()
        if self.random.random() < 0.2:
            self.inventory.flush()
            self.stored()

    def _end(self, end: wire.ScopeEnd, place: Scope) -> None:
        self.note(
            f"{place.region}/{place.resource_type}: {len(self.sent[place])} {end.outcome} {end.rejected} rejected{' gone' if end.gone else ''}"
        )
        self.inventory.end(end)
        self.ended(place, complete=end.outcome is Outcome.COMPLETE and not end.rejected)

    def _cut(self, index: int, place: Scope, listed: list[Scope]) -> Iterator[None]:
        if self.fault == "writer dies":
            yield from self._die()
        elif self.fault == "database away":
            self.away = self.random.choice((5, 9))
            self.inventory.flush()  # the outage is longer than what is waited for
        else:
            self._end(wire.ScopeEnd(index=index, outcome=Outcome.TIMEOUT, resources=len(self.sent[place]), message="cut off"), place)
            if index + 1 < len(listed):
                self.inventory.not_reached(listed[index + 1 :])
            self._finish(Verdict(Status.ERROR, "timeout", "cut off"))

    def _die(self) -> Iterator[None]:
        """The writer is stopped; its lease ends, others go on, and then it wakes and wants to write what it had."""
        self.connection.execute("update elder_worker.claims set expires_at = now() - interval '1 s' where job_id = %s", [self.job])
        claims.sweep(self.connection)
        self.note("its lease has ended")
        yield
        try:
            self.inventory.flush()
        except InventoryError:
            return
        raise AssertionError(f"run {self.claimed.run_id} wrote after its claim was lost")

    def _finish(self, verdict: Verdict, plan: set[Scope] | None = None) -> None:
        """Ends the run; `plan` is what a whole plan contained. What could not be stored is stored later, as the queue's thread does it."""
        try:
            self.inventory.finish(verdict, Exited(run="r", cause=Cause.EXITED, exit_code=0))
            self.stored()
        except NotStored as error:
            self.note(f"its end is stored later: {error.verdict.status} {error.verdict.error_kind}")
            self.away = 0
            verdict = msgspec.structs.replace(error.verdict, confirmed=self.inventory.totals.confirmed)
            with transaction(self.connection):
                assert claims.finish_later(self.connection, self.owner, self.claimed, verdict) == verdict
            return
        for (owner, place), view in self.views.items() if plan is not None else ():
            unknown = self.fault == "list denied" and place.region == "r1"
            if owner == self.reader.owner and place not in plan and view.state == "current" and not unknown:
                view.state = "abandoned"


class SyncRun(Reading):
    """One sync of a connector."""

    def __init__(self, *arguments, connection: Connection, fault: str | None = None) -> None:
        super().__init__(*arguments)
        self.fault = self.random.choice(FAULTS) if fault is None else fault
        self.sync = Sync(connection, self.reader.owner, version=self.reader.version)

    def steps(self) -> Iterator[None]:
        inventory = self.sync.inventory
        self.note(f"sync plans {[p.resource_type for p in self.reader.plan]} {self.fault}")
        for index, place in enumerate(self.random.sample(self.reader.plan, len(self.reader.plan))):
            inventory.begin(index, place)
            self.begun(place)
            for batch in self.batches(place):
                self.show(place, batch)
                inventory.records(index, raws([_placed(one) for one in batch]))
                if self.fault == "writer dies" and self.random.random() < 0.3:
                    return
                yield
            end = self.end(index, place, len(self.sent[place]))
            self.note(f"{place.resource_type}: {len(self.sent[place])} {end.outcome} {end.rejected} rejected{' gone' if end.gone else ''}")
            inventory.end(end)
            self.ended(place, complete=end.outcome is Outcome.COMPLETE and not end.rejected)
            yield
        self.sync.finish()
        for (owner, place), view in self.views.items():
            if owner == self.reader.owner and place not in self.reader.plan and view.state == "current":
                view.state = "abandoned"


def _placed(one: Resource) -> Resource:
    return Resource(one.external_id, one.entity_type, one.sub_type, one.name, one.attributes, one.tags, one.links, "o")
