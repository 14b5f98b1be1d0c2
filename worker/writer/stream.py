"""Reads the data pipe of one run in its own thread, without waiting for the end of a frame, and passes valid records to the inventory.

The thread lives from `Spawned` until the outcome is stored. The main thread notifies it of the job's start and death (`ready`, `exited`),
because the end of the data pipe proves neither; it reports a violation of the protocol to the main thread, which kills the job.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import queue
import select
import threading
import time
from collections.abc import Callable

import msgspec
import structlog

from supervisor import frames
from supervisor.errors import ProtocolError
from supervisor.frames import ControlKind, FrameReader
from supervisor.messages import Cause, Exited
from worker.run import wire
from worker.run.inventory import Inventory, InventoryError, NotStored
from worker.run.outcome import Received, Status, Verdict, judge, left_open
from worker.run.wire import DataKind
from worker.writer.log_buffer import LogBuffer
from worker.writer.protocol import Conversation

FLUSH_SECONDS = 1.0
"""Seconds between two writes of what has arrived; the state that people see is never older."""

PIPE_BYTES = 1024 * 1024
"""Size of the data pipe where the kernel allows it: job and writer then switch less often than every 64 KB."""

DRAIN_SECONDS = 5.0
"""Seconds for which a dead job's pipe is read: its content is stored, but a process that still holds the pipe cannot keep the run open."""

_log = structlog.get_logger("worker.run")


class RunStream(threading.Thread):
    """Reads one job's results into its inventory."""

    def __init__(
        self,
        name: str,
        data: int,
        start: int,
        body: bytes,
        inventory: Inventory,
        *,
        violation: Callable[[Cause, str], None],
        done: Callable[[Verdict], None],
        keep: Callable[[Verdict], None] = lambda _: None,
        secrets: tuple[str, ...] = (),
    ) -> None:
        """Takes ownership of the descriptors `data` and `start`; `body` is the body of the START frame.

        `keep` takes the outcome before it is stored, in case that this process ends meanwhile; `secrets` are masked in the job's log lines.
        """
        super().__init__(name=f"run {name}", daemon=True)
        with contextlib.suppress(PermissionError):  # the user's limit of pipe memory is reached
            fcntl.fcntl(data, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._reader = FrameReader(data, DataKind, wire.MAX_DATA_FRAME)
        self._inventory = inventory
        self._violation, self._done, self._keep = violation, done, keep
        self._conversation, self._log = Conversation(), LogBuffer(secrets)
        self._exited: Exited | None = None
        self._broken = ""
        self._failure: Verdict | None = None
        self._start_pipe = start
        os.set_blocking(start, False)
        self._start_frame = memoryview(frames.encode(ControlKind.START, body))
        self._notices: queue.SimpleQueue[Exited | None] = queue.SimpleQueue()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def ready(self) -> None:
        """Sends the START frame to the job's process. Called by the main thread."""
        self._notify(None)

    def exited(self, exited: Exited) -> None:
        """Notifies the thread that the job's process tree is dead. Called by the main thread.

        The outcome of a job that was killed is known now and kept, as the thread may wait for the database for minutes. The outcome of a
        job that left by itself is known when its pipe has been read.
        """
        if exited.cause is not Cause.EXITED:
            self._keep_outcome(judge(Received(), exited))
        self._notify(exited)

    def abandon(self) -> None:
        """Releases what a thread holds that could not be started; its descriptors stay the caller's."""
        os.close(self._wake)

    def forget(self) -> None:
        """Waits for the thread's end and closes its event descriptor. Called by the main thread."""
        self.join()
        os.close(self._wake)

    def _notify(self, notice: Exited | None) -> None:
        self._notices.put(notice)
        os.eventfd_write(self._wake, 1)

    def run(self) -> None:
        """Runs until the outcome is stored."""
        try:
            self._serve()
            verdict = self._conclude()
        except Exception as error:  # noqa: BLE001 - edge of the thread: a fault of ours ends this run and no other
            _log.exception("a run ended by a fault of the writer", run=self.name)
            verdict = Verdict(Status.ERROR, "internal", f"the writer failed while it stored the run ({type(error).__name__})", stored=False)
            self._violation(Cause.WRITER, verdict.error)
        finally:
            self._close()
        self._done(verdict)

    def _serve(self) -> None:
        poller = select.poll()
        poller.register(self._wake, select.POLLIN)
        poller.register(self._reader.fd, select.POLLIN)
        flush_at = time.monotonic() + FLUSH_SECONDS
        drained_at = float("inf")
        while not (self._exited and (self._done_reading or time.monotonic() > drained_at)):
            ready = {fd for fd, _ in poller.poll(max(0.0, flush_at - time.monotonic()) * 1000)}
            if self._wake in ready and self._receive_notices(poller):
                drained_at = time.monotonic() + DRAIN_SECONDS
            if self._start_pipe in ready and self._send_start():
                poller.unregister(self._start_pipe)
            if self._reader.fd in ready:
                self._attempt(self._read)
                if self._done_reading:
                    poller.unregister(self._reader.fd)
            elif self._exited:
                return  # the process tree is dead and the pipe is empty
            if time.monotonic() >= flush_at:
                self._attempt(self._flush)
                flush_at = time.monotonic() + FLUSH_SECONDS

    @property
    def _done_reading(self) -> bool:
        """True when nothing more is read: the pipe has ended, or its content is invalid or cannot be stored."""
        return self._reader.eof or bool(self._broken) or self._failure is not None

    def _receive_notices(self, poller: select.poll) -> bool:
        """Handles notices of the main thread; returns true when the job's process tree is dead."""
        os.eventfd_read(self._wake)
        while not self._notices.empty():
            notice = self._notices.get()
            if notice is not None:
                self._exited = notice
                return True
            if not self._send_start():
                poller.register(self._start_pipe, select.POLLOUT)
        return False

    def _send_start(self) -> bool:
        """Writes as much of the START frame as the pipe takes; returns true when all of it is written. The frame holds secrets."""
        try:
            while self._start_frame:
                self._start_frame = self._start_frame[os.write(self._start_pipe, self._start_frame) :]
        except BlockingIOError:
            return False
        except BrokenPipeError:  # the job is dead; the supervisor will report it
            self._start_frame = memoryview(b"")
        return True

    def _flush(self) -> None:
        self._inventory.flush(self._log.news(time.monotonic()))

    def _read(self) -> None:
        for kind, body in self._reader.read():
            self._accept(kind, body)

    def _accept(self, kind: DataKind, body: bytes) -> None:
        batch = self._conversation.batch(kind, body)
        if batch and (resources := self._inventory.repeated(batch.scope, batch.encoded)):
            self._conversation.repeated(batch, resources)
            return
        message = self._conversation.accept(kind, body)
        if isinstance(message, wire.Records):
            self._inventory.records(message.index, message.resources)
        elif isinstance(message, wire.ScopeOpened):
            self._inventory.begin(message.index, message.scope)
        elif isinstance(message, wire.ScopeEnd):
            self._inventory.end(message)
        elif isinstance(message, list):
            self._inventory.organizations(message)
        elif isinstance(message, tuple):
            self._inventory.totals.planned = self._conversation.planned
        elif isinstance(message, wire.Identity):
            self._inventory.identity(message)
        elif isinstance(message, wire.LogLines):
            self._log.add(message)

    def _attempt(self, step: Callable[[], None]) -> None:
        """Runs a step; an error of the protocol or the inventory ends the job with its reason."""
        if self._broken or self._failure:
            return
        try:
            step()
        except ProtocolError as error:
            self._broken = str(error)
            self._violation(Cause.PROTOCOL, self._broken)
        except InventoryError as error:
            self._failure = _failed(error)
            self._violation(Cause.LOST if error.error_kind == "lost" else Cause.WRITER, str(error))

    def _conclude(self) -> Verdict:
        """Ends open scopes and stores the outcome."""
        assert self._exited is not None
        if not self._broken and self._reader.unfinished and self._conversation.complete:
            self._broken = "bytes came after COMPLETE"
        talk = self._conversation
        received = Received(talk.complete, talk.failed, self._broken, talk.outcomes)
        verdict = judge(received, self._exited)
        self._keep_outcome(self._failure if self._failure and verdict.status is not Status.CANCELLED else verdict)
        if self._failure is None:
            try:
                self._end_open_scopes(verdict)
            except InventoryError as error:
                self._failure = _failed(error)
        if self._failure and verdict.status is not Status.CANCELLED:
            verdict = self._failure
        verdict = msgspec.structs.replace(verdict, log=self._log.kept())
        try:
            return self._inventory.finish(verdict, self._exited)
        except NotStored as error:
            _log.error(
                "the outcome of a run is stored when the database answers", run=self.name, verdict=error.verdict.status, error=str(error)
            )
            return msgspec.structs.replace(self._confirmed(error.verdict), stored=False)
        except InventoryError as error:
            _log.error("the outcome of a run could not be stored", run=self.name, verdict=verdict.status, error=str(error))
            return msgspec.structs.replace(_failed(error, stored=False), log=verdict.log)

    def _keep_outcome(self, verdict: Verdict) -> None:
        if verdict.status is not Status.RELEASED:
            self._keep(self._confirmed(verdict))

    def _confirmed(self, verdict: Verdict) -> Verdict:
        """The verdict with the number of resources that the database has to know when it is stored later."""
        return msgspec.structs.replace(verdict, confirmed=self._inventory.totals.confirmed)

    def _end_open_scopes(self, verdict: Verdict) -> None:
        outcome = left_open(verdict)
        for index, scope in self._conversation.open.items():
            self._conversation.count(outcome)
            arrived = self._conversation.arrived(index)
            message = f"the run ended before {scope.resource_type} was read in full"
            self._inventory.end(wire.ScopeEnd(index=index, outcome=outcome, resources=arrived, message=message))

        if self._conversation.waiting and verdict.status is not Status.RELEASED:
            self._inventory.not_reached(list(self._conversation.waiting))

    def _close(self) -> None:
        os.close(self._reader.fd)
        os.close(self._start_pipe)


def _failed(error: InventoryError, *, stored: bool = True) -> Verdict:
    return Verdict(Status.ERROR, error.error_kind, str(error), error.detail, stored=stored)
