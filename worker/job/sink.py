"""Writes a job's results as frames to the data pipe; `providers.runner` calls it.

Writes block: a slow writer makes the job wait, and there is no other flow control.
"""

from __future__ import annotations

import collections
import contextlib
import os
import threading
from collections.abc import Callable, Iterator

from providers.errors import ProviderError
from providers.records import UNENCODABLE, Identity, Organization, Resource, Scope
from providers.sink import ScopeReport
from supervisor import frames
from supervisor.frames import ControlKind
from worker.logs.line import Line
from worker.run import wire
from worker.run.wire import DataKind

FRAME_BYTES = 1024 * 1024
"""Most bytes of resources in one frame. A frame with one resource of `wire.MAX_RESOURCE` fits into `wire.MAX_DATA_FRAME`."""


MAX_WAITING = 1_000
"""Most log lines that wait until other threads have written their frames; the job does not wait for its log."""

CUT = " ... (cut) ... "
"""Stands for the middle of a log line that is too long: its beginning says what happened, the end of a traceback why."""


class _Open:
    """An open scope and its counts."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.resources = 0
        self.rejected = 0
        self.rejection = ""


class FrameSink:
    """Writes frames from several threads, ordered by one lock. Raises `BrokenPipeError` when the writer is gone.

    Log lines may come from a thread that is inside a frame (a finalizer, a signal handler): they wait, and whoever lets go of the lock
    sends them.
    """

    def __init__(self, data: int, clean: Callable[[str], str] = str) -> None:
        """`clean` redacts text of the source or the SDK."""
        self._data, self._clean = data, clean
        self._lock = threading.Lock()
        self._lines = collections.deque[wire.LogLine]()
        self._left_out, self._closed, self._process = 0, False, os.getpid()
        self._open: dict[Scope, _Open] = {}
        self._organizations: dict[str, Organization] = {}
        self._sequence = self._begun = self._ended = self._planned = self._resources = 0
        self._reading = ""

    def identity(self, identity: Identity) -> None:
        """Sends the identity that the source reports."""
        self._frame(DataKind.IDENTITY, wire.encode(identity))

    def planned(self, scopes: tuple[Scope, ...]) -> None:
        """Names planned scopes, so that the writer knows those that were never begun."""
        with self._writing():
            self._planned += len(scopes)
            self._write(DataKind.PLANNED, wire.encode(scopes))

    def begin(self, scope: Scope) -> None:
        """Opens a scope with a SCOPE frame."""
        with self._writing():
            if scope in self._open:
                raise ProviderError(f"the scope {_describe(scope)} was planned twice")
            self._open[scope] = _Open(self._begun)
            self._write(DataKind.SCOPE, wire.encode(wire.ScopeOpened(self._begun, scope)))
            self._begun += 1
            self._reading = _describe(scope)

    def organizations(self, organizations: list[Organization]) -> None:
        """Sends each organization once, however often it is yielded."""
        with self._writing():
            fresh = [one for one in organizations if self._organizations.get(one.external_id) != one]
            self._organizations.update((one.external_id, one) for one in fresh)
            if fresh:
                self._write(DataKind.ORGANIZATIONS, wire.encode(fresh))

    def resources(self, scope: Scope, resources: list[Resource]) -> None:
        """Sends resources of an open scope; they are encoded outside the lock."""
        opened = self._open[scope]
        for count, encoded in self._encode(opened, resources):
            with self._writing():
                self._write(DataKind.RECORDS, b"[%d,%d,%b]" % (self._sequence, opened.index, encoded))
                self._sequence += 1
                opened.resources += count
                self._resources += count

    def end(self, report: ScopeReport) -> None:
        """Closes a scope with a SCOPE_END frame."""
        with self._writing():
            opened = self._open[report.scope]
            body = wire.ScopeEnd(
                index=opened.index,
                outcome=report.outcome,
                resources=opened.resources,
                message=self._clean(report.message),
                permission=self._clean(report.permission),
                detail=self._clean(report.detail),
                gone=report.gone,
                rejected=opened.rejected + report.rejected,
                rejection=self._clean(report.rejection or opened.rejection),
                absence=report.absence,
                as_of=report.as_of,
            )
            self._write(DataKind.SCOPE_END, wire.encode(body))
            self._ended += 1

    def complete(self) -> None:
        """Sends that the run has ended by itself. Log lines that come later are not sent."""
        self._last_frame(DataKind.COMPLETE, wire.encode(wire.Complete(scopes=self._ended, resources=self._resources)))

    def failed(self, failed: wire.Failed) -> None:
        """Sends that the run cannot continue, and why. Log lines that come later are not sent."""
        self._last_frame(DataKind.FAILED, wire.encode(failed))

    def log(self, line: Line) -> None:
        """Sends a log line, at once or when no frame is being written. It raises nothing, and waits for no other thread.

        A line of a process that this one has forked is not sent: two processes would write into each other's frames.
        """
        if os.getpid() != self._process:
            return
        if len(self._lines) >= MAX_WAITING:
            self._left_out += 1
            return
        self._lines.append(wire.LogLine(line.at.timestamp(), line.level, line.logger[: wire.MAX_LOGGER], _shortened(line.text)))
        with contextlib.suppress(OSError):  # the writer is gone: the next frame says so
            self._send_lines()

    def progress(self, calls: int) -> wire.Progress:
        """Progress of the run."""
        return wire.Progress(
            scopes_planned=self._planned, scopes_done=self._ended, resources=self._resources, calls=calls, scope=self._reading
        )

    def _encode(self, opened: _Open, resources: list[Resource]) -> list[tuple[int, bytes]]:
        """Encodes resources as JSON arrays that fit into a frame; counts those that cannot be encoded."""
        try:
            encoded = wire.encode_resources(resources)
        except UNENCODABLE as error:
            if len(resources) == 1:
                return self._reject(opened, resources[0], f"it cannot be written as JSON ({error})")
        else:
            if len(encoded) <= FRAME_BYTES:
                return [(len(resources), encoded)]
            if len(resources) == 1:
                if len(encoded) <= wire.MAX_RESOURCE:
                    return [(1, encoded)]
                return self._reject(opened, resources[0], f"it has {len(encoded):,} bytes and the limit is {wire.MAX_RESOURCE:,}")
        half = len(resources) // 2
        return self._encode(opened, resources[:half]) + self._encode(opened, resources[half:])

    def _reject(self, opened: _Open, resource: Resource, reason: str) -> list[tuple[int, bytes]]:
        with self._writing():
            opened.rejected += 1
            opened.rejection = opened.rejection or f"{resource.sub_type} {resource.external_id[:200]!a} is not stored: {reason}"
        return []

    def _frame(self, kind: DataKind, body: bytes) -> None:
        with self._writing():
            self._write(kind, body)

    def _last_frame(self, kind: DataKind, body: bytes) -> None:
        with self._lock:
            self._write_lines()
            self._closed = True
            self._write(kind, body)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Holds the lock, and then sends the log lines that came meanwhile."""
        with self._lock:
            yield
        self._send_lines()

    def _send_lines(self) -> None:
        """Sends the log lines that wait. Where the lock is held, its holder does."""
        while self._lines and self._lock.acquire(blocking=False):
            try:
                self._write_lines()
            finally:
                self._lock.release()

    def _write_lines(self) -> None:
        while self._lines:
            lines = [self._lines.popleft() for _ in range(min(len(self._lines), wire.MAX_LINES))]
            left_out, self._left_out = self._left_out, 0
            if not self._closed:
                self._write(DataKind.LOG, wire.encode(wire.LogLines(left_out, lines)))

    def _write(self, kind: DataKind, body: bytes) -> None:
        write_all(self._data, frames.encode(kind, body))


class Ticker:
    """Sends PROGRESS frames when progress has changed, at most one per `interval`; without them the job is ended as idle."""

    def __init__(self, control: int, progress: Callable[[], wire.Progress], interval: float = 1.0) -> None:
        self._control, self._progress, self._interval = control, progress, interval
        self._last = wire.Progress()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            stopping = self._stop.wait(self._interval)
            progress = self._progress()
            if progress != self._last:
                self._last = progress
                write_all(self._control, frames.encode(ControlKind.PROGRESS, wire.encode(progress)))


def write_all(fd: int, data: bytes) -> None:
    """Writes all data, and waits while the pipe is full."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _shortened(text: str) -> str:
    if len(text) <= wire.MAX_LINE:
        return text
    half = (wire.MAX_LINE - len(CUT)) // 2
    return text[:half] + CUT + text[-half:]


def _describe(scope: Scope) -> str:
    return " ".join(part for part in (scope.resource_type, scope.region, scope.account) if part)
