"""Starts the syncs of connectors when they are due, and keeps the outcome of the last sync of each."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from providers.counted import counted_are
from providers.errors import Outcome, ProviderError
from providers.records import Scope
from supervisor.metrics import Metrics
from worker.run.inventory import Totals
from worker.run.outcome import Status, Verdict
from worker.sync.messages import ConnectorState
from worker.sync.schedule import Schedule
from worker.writer.dispatcher import Assignment, Limits, RunDispatcher
from worker.writer.launch import Launcher

if TYPE_CHECKING:
    from worker.sync.inventory import ApiInventory

POOL = "connector"
OPERATIONS = ("created", "updated", "unchanged", "deleted")

LONGEST_ERROR = 1000
"""Characters of an error in the published state, which is sent every second; the log has the whole error."""

_log = structlog.get_logger("worker.sync.schedule")


class Last(msgspec.Struct):
    """The last sync of one connector, as the status page shows it."""

    name: str
    enabled: bool
    status: str = "never"
    last_sync_at: str | None = None
    next_sync_at: str | None = None
    duration_seconds: float = 0.0
    entities: dict[str, int] = msgspec.field(default_factory=lambda: dict.fromkeys(OPERATIONS, 0))
    error: str = ""
    error_kind: str = ""
    scopes: dict[str, int] = {}


class Asked(msgspec.Struct):
    """The requests of people for a sync of one connector, by their numbers."""

    number: int = 0
    """The newest one that came."""
    served: int = 0
    """The newest one whose sync has ended."""
    error: str = ""
    """Why that sync failed."""

    @property
    def waiting(self) -> int:
        """Number of the request that is to be served, or is being served; 0: none."""
        return self.number if self.number != self.served else 0


class ConnectorScheduler:
    """Starts due syncs and records how they end. Used by the main thread only."""

    def __init__(
        self,
        schedule: Schedule,
        names: tuple[str, ...],
        dispatcher: RunDispatcher,
        launcher: Launcher,
        inventory: Callable[[str, str, int], ApiInventory],
        limits: Limits,
        metrics: Metrics,
    ) -> None:
        """`names` are all connectors; `inventory(owner, run, request)` makes the inventory of one sync, which serves that request."""
        self._schedule, self._dispatcher, self._launcher = schedule, dispatcher, launcher
        self._inventory, self._limits, self._metrics = inventory, limits, metrics
        enabled = {connector.name for connector in schedule}
        self._last = {name: Last(name, name in enabled) for name in names}
        self._attempted: dict[str, dict[Scope, None]] = {name: {} for name in names}
        self._asked = {name: Asked() for name in enabled}
        self._draining = False
        self.states: tuple[ConnectorState, ...] = ()
        """How the connectors that are switched on stand; for other threads to read."""

    def report(self) -> list[dict[str, Any]]:
        """The last sync of every connector, for the published state."""
        return [msgspec.to_builtins(last) for last in self._last.values()]

    def request(self, name: str, number: int) -> None:
        """Takes a person's request for a sync: it begins at once, or when the one that runs has ended. The same request may come twice."""
        asked = self._asked.get(name)
        if asked is None or asked.number == number:
            return
        _log.info(f"connector {name}: a sync is asked for", connector=name, request=number)
        asked.number = number
        self._schedule.hasten(name, time.monotonic())

    def tick(self) -> None:
        """Starts due syncs while slots are free."""
        now = time.monotonic()
        for connector in self._schedule.due(now):
            if self._draining or not self._dispatcher.free(POOL):
                break
            self._begin(connector.name)
        for connector in self._schedule:
            at = connector.next_at
            self._last[connector.name].next_sync_at = None if at is None else _iso(time.time() + max(0.0, at - now))
        self.states = tuple(self._states(now))

    def seconds_left(self) -> float | None:
        """Seconds until the next sync is due; None when that depends on the end of a running sync."""
        at = self._schedule.next_at()
        return None if at is None or self._draining else max(0.0, at - time.monotonic())

    def drain(self) -> None:
        """Starts no more syncs."""
        self._draining = True

    def _states(self, now: float) -> Iterator[ConnectorState]:
        free = not self._draining and self._dispatcher.free(POOL) > 0
        for one in self._schedule:
            asked = self._asked[one.name]
            next_in = None if one.next_at is None or self._draining else max(0.0, one.next_at - now)
            ready = free and not one.running and not asked.waiting
            yield ConnectorState(one.name, next_in, one.running, ready, asked.served, asked.error)

    def _begin(self, name: str) -> None:
        run = f"{name}-{uuid.uuid4().hex[:12]}"
        before, request = self._last[name].status, self._asked[name].waiting
        self._schedule.started(name)
        self._last[name].status = "running"
        began, label = time.monotonic(), {"connector": name, "provider": name}
        try:
            launch = self._launcher.connector(run, name).after(tuple(self._attempted[name]))
        except ProviderError as error:
            verdict = Verdict(Status.ERROR, error.error_kind, str(error))
            self._dispatcher.without_process(run, label, verdict)
            self._ended(name, began, verdict, Totals(), request)
            return
        inventory = self._inventory(f"connector:{name}", run, request)
        assignment = Assignment(
            run=run,
            pool=POOL,
            label=label,
            launch=launch,
            limits=self._limits,
            inventory=inventory,
            ended=lambda verdict, _: (
                self._refused(name, before, verdict.error)
                if verdict.status is Status.RELEASED
                else self._ended(name, began, verdict, inventory.totals, request, inventory.attempted)
            ),
            refused=lambda sentence: self._refused(name, before, sentence),
            description=f"connector {name}",
        )
        self._dispatcher.start(assignment)

    def _refused(self, name: str, before: str, sentence: str) -> None:
        _log.warning(f"connector {name} could not be started yet: {sentence}", connector=name)
        self._last[name].status = before
        self._schedule.postponed(name, time.monotonic())

    def _ended(self, name: str, began: float, verdict: Verdict, totals: Totals, request: int, attempted: Sequence[Scope] = ()) -> None:
        self._keep_attempted(name, attempted, whole=verdict.carried_out)
        seconds = time.monotonic() - began
        ok = verdict.carried_out
        self._schedule.ended(name, time.monotonic(), ok=ok, error_kind=verdict.error_kind)
        self._serve(name, request, "" if ok else verdict.error[:LONGEST_ERROR])
        operations = {key: getattr(totals, key) for key in OPERATIONS}
        last = self._last[name]
        last.status, last.error, last.error_kind = verdict.status, verdict.error[:LONGEST_ERROR], verdict.error_kind
        last.last_sync_at, last.duration_seconds = _iso(time.time()), round(seconds, 3)
        last.entities, last.scopes = operations, dict(totals.outcomes)
        self._measure(name, verdict, totals, seconds, ok=ok)
        fields = {"status": verdict.status, "seconds": round(seconds, 3), "note": verdict.error, **operations}
        if verdict.status is Status.COMPLETED:
            _log.info(f"connector {name}: sync completed", connector=name, **fields)
        elif ok:
            missed = sum(totals.outcomes.values()) - totals.outcomes.get(Outcome.COMPLETE, 0)
            unread = counted_are(missed, "scope", past=True)
            sentence = f"connector {name}: sync read a part only: {unread} not read in full; nothing of them was tombstoned"
            _log.warning(sentence, connector=name, scopes=dict(totals.outcomes), **fields)
        else:
            _log.error(
                f"connector {name}: sync failed: {verdict.error}", connector=name, error_kind=verdict.error_kind, detail=verdict.detail
            )

    def _serve(self, name: str, request: int, error: str) -> None:
        """Notes that the sync of a request has ended. One that came meanwhile is served by the next sync, which begins at once."""
        asked = self._asked[name]
        if request:
            asked.served, asked.error = request, error
        if asked.waiting:
            self._schedule.hasten(name, time.monotonic())

    def _keep_attempted(self, name: str, scopes: Sequence[Scope], *, whole: bool) -> None:
        """Keeps which scopes were attempted since the last whole sync, the oldest first: syncs that are cut off reach each in turn."""
        known = self._attempted[name]
        for scope in scopes:
            known.pop(scope, None)
            known[scope] = None
        if whole:
            known.clear()

    def _measure(self, name: str, verdict: Verdict, totals: Totals, seconds: float, *, ok: bool) -> None:
        self._metrics.count("connector_sync_total", connector=name, status=verdict.status)
        self._metrics.count("connector_sync_errors", 0 if ok else 1, connector=name)
        self._metrics.observe("connector_sync_duration_seconds", seconds, connector=name)
        for outcome, number in totals.outcomes.items():
            self._metrics.count("connector_scopes_total", number, connector=name, outcome=outcome)
        for operation in OPERATIONS:
            self._metrics.count("connector_entities_synced", getattr(totals, operation), connector=name, operation=operation)
        if verdict.status is Status.COMPLETED:
            self._metrics.set("connector_last_sync_timestamp", time.time(), connector=name)


def _iso(moment: float) -> str:
    return dt.datetime.fromtimestamp(moment, dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
