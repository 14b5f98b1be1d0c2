"""One run as a trace: a span of the run, and in it one of each scope and of each batch that was stored.

A span is made when it ends, with the time at which it began; of a run that is under way only its first span and the beginnings of its
open scopes are held. Times are those of the wall clock at the run's beginning plus what the monotonic clock has measured since, so that
no span of a trace ends before it began when the wall clock is set.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from typing import Concatenate, ParamSpec

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Status, StatusCode, Tracer

from providers.errors import Outcome
from providers.records import Scope
from worker.run import wire
from worker.run.inventory import Totals
from worker.run.outcome import Status as RunStatus
from worker.run.outcome import Verdict

MOST_SPANS = 10_000
"""Spans in one trace beside its first; a run has up to a million scopes, and no page shows a trace of that size."""

LONGEST = 300
"""Characters of a text in a span."""

NOT_STORED = "not_stored"
"""Outcome of a scope whose end was not stored."""

Value = str | int | float | bool
Arguments = ParamSpec("Arguments")

_log = structlog.get_logger("worker.telemetry")


def harmless(method: Callable[Concatenate[RunTrace, Arguments], None]) -> Callable[Concatenate[RunTrace, Arguments], None]:
    """Keeps every error of a method from the run, which does not depend on its trace; the first of a trace is logged."""

    @functools.wraps(method)
    def guarded(self: RunTrace, /, *arguments: Arguments.args, **options: Arguments.kwargs) -> None:
        try:
            method(self, *arguments, **options)
        except Exception as error:  # noqa: BLE001 - as above
            self.failed(error)

    return guarded


class RunTrace:
    """The trace of one run. Used by the run's threads, and at its beginning and end by the main thread."""

    def __init__(self, tracer: Tracer, name: str, attributes: Mapping[str, Value], redact: Callable[[str], str], began: int) -> None:
        """`redact` takes secrets out of every text that the trace gets; `began` is in nanoseconds of the monotonic clock."""
        self._tracer, self._redact = tracer, redact
        self._offset = time.time_ns() - time.monotonic_ns()
        self._open: dict[int, tuple[int, Scope]] = {}
        self._spans = 0
        self._faulty = False
        self._root = tracer.start_span(
            self._text(name), context=Context(), start_time=self._offset + began, attributes=self._clean(attributes)
        )
        self._context = trace.set_span_in_context(self._root, Context())

    @harmless
    def scope_began(self, index: int, scope: Scope, began: int) -> None:
        """Keeps when the scope began, in nanoseconds of the monotonic clock."""
        self._open[index] = began, scope

    @harmless
    def scope_ended(self, end: wire.ScopeEnd) -> None:
        """Adds the span of a scope whose end is stored."""
        if began := self._open.pop(end.index, None):
            self._scope(*began, end.outcome.value, end.resources, end.message)

    @harmless
    def stored(self, began: int, rows: int) -> None:
        """Adds the span of a batch of rows that is stored; `began` is in nanoseconds of the monotonic clock."""
        self._child("batch", began, {"elder.rows": rows})

    @harmless
    def ended(self, verdict: Verdict, totals: Totals | None, process: Mapping[str, object]) -> None:
        """Ends the trace. Scopes whose end was not stored get their spans. `totals` is None for a run whose counts are not known here."""
        for began, scope in self._open.values():
            self._scope(began, scope, NOT_STORED, None, "")
        self._open.clear()
        found: dict[str, Value] = {
            **(_of_totals(totals) if totals is not None else {}),
            **{f"elder.process.{name}": _plain(value) for name, value in process.items() if value is not None},
        }
        found |= {"elder.outcome": verdict.status.value, "elder.stored": verdict.stored}
        if verdict.error_kind:
            found["error.type"] = verdict.error_kind
        if self._spans > MOST_SPANS:
            found["elder.spans_left_out"] = self._spans - MOST_SPANS
        self._root.set_attributes(self._clean(found))
        if verdict.error:
            self._root.set_attribute("elder.message", self._text(verdict.error))
        if not verdict.carried_out and verdict.status is not RunStatus.RELEASED:
            self._root.set_status(Status(StatusCode.ERROR, self._text(verdict.error)))
        self._root.end(self._now())

    def failed(self, error: Exception) -> None:
        """Logs the first error of this trace."""
        if not self._faulty:
            self._faulty = True
            _log.error("a span of a run could not be made", error=f"{type(error).__name__}: {error}")

    def _scope(self, began: int, scope: Scope, outcome: str, resources: int | None, message: str) -> None:
        found: dict[str, Value] = {
            "elder.provider": scope.provider,
            "elder.account": scope.account,
            "elder.region": scope.region,
            "elder.resource_type": scope.resource_type,
            "elder.outcome": outcome,
        }
        if resources is not None:
            found["elder.resources"] = resources
        if message:
            found["elder.message"] = message
        self._child(f"scope {scope.resource_type}", began, found, failed=outcome != Outcome.COMPLETE)

    def _child(self, name: str, began: int, attributes: Mapping[str, Value], *, failed: bool = False) -> None:
        self._spans += 1
        if self._spans > MOST_SPANS:
            return
        start = self._offset + began
        span = self._tracer.start_span(self._text(name), context=self._context, start_time=start, attributes=self._clean(attributes))
        if failed:
            span.set_status(Status(StatusCode.ERROR))
        span.end(self._now())

    def _now(self) -> int:
        return self._offset + time.monotonic_ns()

    def _clean(self, attributes: Mapping[str, Value]) -> dict[str, Value]:
        return {name: self._text(value) if isinstance(value, str) else value for name, value in attributes.items()}

    def _text(self, text: str) -> str:
        """A text without secrets, bounded, and such as UTF-8 can hold: one half of a character would spoil all spans of a request."""
        return self._redact(text)[:LONGEST].encode("utf-8", "replace").decode()


def _of_totals(totals: Totals) -> dict[str, Value]:
    """A run's counts as attributes."""
    names = ("created", "updated", "unchanged", "deleted", "held_back", "rejected")
    found: dict[str, Value] = {"elder.entities": totals.resources}
    found |= {f"elder.entities.{name}": getattr(totals, name) for name in names}
    return found | {f"elder.scopes.{outcome}": number for outcome, number in totals.outcomes.items()}


def _plain(value: object) -> Value:
    return value if isinstance(value, bool | int | float) else str(value)
