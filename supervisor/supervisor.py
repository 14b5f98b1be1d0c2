"""The supervisor: one thread, one loop. It spawns, counts, times and kills; what the jobs are for, it does not know.

It never blocks, and it ends in order: jobs first, then the writer, which stores how they ended, then the other services. If it is killed
itself, the kernel ends its children with it.
"""

from __future__ import annotations

import logging
import os
import selectors
import signal
import time
from collections.abc import Callable, Mapping

from supervisor import channel as channels
from supervisor import kernel
from supervisor.channel import Channel
from supervisor.config import Service, SupervisorConfig
from supervisor.errors import ProtocolError, SpawnError
from supervisor.job import Job
from supervisor.jobs import Jobs
from supervisor.loop import Loop
from supervisor.messages import (
    Cancel,
    Cause,
    Drain,
    Exited,
    Extend,
    Finished,
    FromWriter,
    Ready,
    Refused,
    Report,
    Slots,
    Spawned,
    Start,
    Stop,
)
from supervisor.metrics import Metrics
from supervisor.output import Outlet
from supervisor.publish import publish
from supervisor.service import Restarts, RunningService
from supervisor.signals import Signals
from supervisor.snapshot import PoolSnapshot, Snapshot, snapshot
from supervisor.watchdog import Watchdog

WRITER_GRACE = 5.0
"""Seconds for the writer to store the last outcomes once the last job is dead, and for a service to leave after SIGTERM."""

BACKLOG = 1000
"""Messages that the writer may leave unread before it is taken for stuck."""

log = logging.getLogger("supervisor")


class Supervisor:
    """Runs until it is told to stop, or until a service cannot be kept alive."""

    def __init__(self, config: SupervisorConfig) -> None:
        self.config, self.loop, self.metrics = config, Loop(), Metrics()
        self.outlet = Outlet()
        self.jobs = Jobs(config, self.loop, self.outlet.write, self._service_pids)
        self.jobs.on_ready, self.jobs.on_exit, self.jobs.on_freed = self._ready, self._exited, self._tell_slots
        self.report: Report | None = None
        self.reported_at = 0.0
        self.draining = False
        self.started_at = time.time()
        self._exit_code = 0
        self._channel: Channel[FromWriter] | None = None
        self._asked: set[str] = set()
        self._publish_due = False
        self.writer = self._service(config.writer, self._writer_died, self._open_channel)
        self._watchdog = Watchdog(self.loop, self.writer, config.writer_patience)
        self.services = [self._service(service, self._service_died, dict) for service in config.services]

    def _service(self, service: Service, died: Callable[[], None], descriptors: Callable[[], Mapping[str, int]]) -> RunningService:
        restarts = Restarts(self.config.restarts, self.config.restart_window)
        return RunningService(service, self.loop, restarts, died=died, give_up=self._give_up, descriptors=descriptors)

    def run(self) -> int:
        """Until the end; the exit code. To be called from the main thread."""
        kernel.adopt_orphans()
        kernel.hide_memory()
        kernel.share_heaps(1)  # its other threads do little
        with Signals(self.loop, {signal.SIGTERM: self._on_stop, signal.SIGINT: self._on_stop, signal.SIGCHLD: self._on_child}):
            for service in (self.writer, *self.services):
                service.start()
            self.loop.every(self.config.publish_every, self._publish)
            self._publish()
            while not self._over:
                self.loop.turn()
            self._publish()
        self.loop.close()
        self.jobs.close()
        log.info("stopped", extra={"exit_code": self._exit_code})
        return self._exit_code

    @property
    def _over(self) -> bool:
        services = (self.writer, *self.services)
        return self.draining and not self.jobs.all() and not any(service.alive for service in services)

    def _service_pids(self) -> list[int]:
        return [service.pid for service in (self.writer, *self.services) if service.alive]

    # --- the writer

    def _open_channel(self) -> Mapping[str, int]:
        ours, theirs = channels.pair()
        self._channel = Channel(ours, FromWriter)
        self._asked.clear()  # an earlier writer's: this one has never heard of them
        self._watchdog.heard()
        self.loop.watch(self._channel.fileno(), self._hear)
        self._tell_slots()
        return {"control": theirs.detach()}

    def _writer_died(self) -> None:
        if self._channel:
            self.loop.forget(self._channel.fileno())
            self._channel.close()
            self._channel = None
        self.jobs.kill_all(Cause.WRITER, "the process that stores results is gone", now=True)
        if self.draining:
            self._stop_services()

    def _service_died(self) -> None:
        self._soon_publish()

    def _hear(self) -> None:
        assert self._channel is not None
        try:
            for message, _ in self._channel.receive():
                self._obey(message)
        except ProtocolError as error:
            log.error("the writer broke the protocol and is ended: %s", error)
            self.writer.signal(signal.SIGKILL)
        self._flush()

    def _send(self, message: Slots | Spawned | Refused | Ready | Exited | Drain, descriptors: tuple[int, ...] = ()) -> None:
        if self._channel is None or self._channel.closed:
            for fd in descriptors:
                os.close(fd)
            return
        self._channel.send(message, descriptors)
        self._flush()

    def _flush(self) -> None:
        if self._channel is None:
            return
        if self._channel.closed:
            self.loop.forget(self._channel.fileno())
            return
        events = selectors.EVENT_READ if self._channel.flush() else selectors.EVENT_READ | selectors.EVENT_WRITE
        self.loop.watch(self._channel.fileno(), self._hear, events)
        if self._channel.backlog > BACKLOG:
            log.error("the writer has left %d messages unread and is ended", self._channel.backlog)
            self.writer.signal(signal.SIGKILL)

    def _obey(self, message: FromWriter) -> None:
        match message:
            case Start():
                self._start(message)
            case Extend(run=run, lease=lease):
                job = self.jobs.get(run)
                if job is not None and not job.dying:
                    job.clocks.extend(lease)
            case Cancel(run=run, cause=cause, sentence=sentence):
                self.jobs.kill(run, cause, sentence)
            case Report():
                self.report, self.reported_at = message, time.monotonic()
                self._watchdog.heard()
            case Finished(run=run, increments=increments):
                self._asked.discard(run)
                self.metrics.add(increments)
            case Stop(exit_code=code):
                self._exit_code = code
                self._drain(0.0)

    def _tell_slots(self) -> None:
        self._send(Slots(free=dict.fromkeys(self.config.pools, 0) if self.draining else self.jobs.free()))
        self._soon_publish()

    # --- jobs

    def _start(self, start: Start) -> None:
        try:
            job = self.jobs.spawn(start)
        except SpawnError as error:
            log.warning("no process for %s: %s", start.title, error, extra=_extra(start))
            self._send(Refused(run=start.run, sentence=str(error)))
            return
        self._asked.add(start.run)
        log.info("spawned a process for %s", start.title, extra={**_extra(start), "child_pid": job.pid})
        self._send(Spawned(run=start.run, pid=job.pid), job.for_writer)
        self._tell_slots()

    def _ready(self, job: Job) -> None:
        self._send(Ready(run=job.start.run))

    def _exited(self, job: Job, exited: Exited) -> None:
        start = job.start
        details = {**_extra(start), "cause": exited.cause, "exit_code": exited.exit_code, "signal": exited.signal}
        details |= {"seconds": exited.seconds, "kill_seconds": exited.kill_seconds, "peak_mb": exited.peak_bytes >> 20}
        log.info("ended: %s, %s", start.title, exited.sentence, extra=details)
        if start.lifetime is not None:
            self.metrics.observe_series(start.lifetime, exited.seconds)
        if exited.kill_seconds is not None:
            self.metrics.observe(self.config.kill_latency_metric, exited.kill_seconds)
        if start.run in self._asked:
            self._send(exited)
        self._tell_slots()
        if self.draining and not self.jobs:
            self._jobs_are_gone()

    # --- the end

    def _on_child(self) -> None:
        self.jobs.look()

    def _on_stop(self) -> None:
        if self.draining:
            log.warning("told to stop again: running jobs are killed now")
            self.jobs.kill_all(Cause.SHUTDOWN, "the worker was told twice to stop", now=True)
        else:
            log.info("told to stop: running jobs have %g s", self.config.shutdown_grace)
            self._drain(self.config.shutdown_grace)

    def _give_up(self, code: int, sentence: str) -> None:
        log.critical("giving up: %s", sentence)
        self._exit_code = self._exit_code or code
        self._drain(0.0)

    def _drain(self, grace: float) -> None:
        if self.draining:
            return
        self.draining = self.jobs.closed = True
        self._send(Drain(seconds=grace))
        self.writer.expect_exit()
        if self.jobs:
            sentence = "the worker is stopping, and the job did not end in time"
            self.loop.after(grace, lambda: self.jobs.kill_all(Cause.SHUTDOWN, sentence))
        else:
            self._jobs_are_gone()

    def _jobs_are_gone(self) -> None:
        """The writer stores the last outcomes and leaves; if it does not, it is made to."""
        if self.writer.alive:
            self.loop.after(WRITER_GRACE, lambda: self.writer.stop(1.0))
        else:
            self._stop_services()

    def _stop_services(self) -> None:
        for service in reversed(self.services):
            service.stop(WRITER_GRACE)

    # --- the state

    def _soon_publish(self) -> None:
        if not self._publish_due:
            self._publish_due = True
            self.loop.after(0.05, self._publish)

    def _publish(self) -> None:
        self._publish_due = False
        try:
            publish(self.config.state_path, self._snapshot())
        except OSError as error:
            log.error("the state could not be published at %s: %s", self.config.state_path, error.strerror)

    def _snapshot(self) -> Snapshot:
        lag, self.loop.worst_lag = self.loop.worst_lag, 0.0
        pools = self.jobs.pools()
        self._measure(lag, pools)
        return snapshot(
            self.jobs.all(),
            (self.writer, *self.services),
            started_at=self.started_at,
            lag=lag,
            draining=self.draining,
            pools=pools,
            isolation=self.jobs.isolation(),
            metrics=self.metrics.samples(),
            report=self.report.state if self.report else None,
            reported_at=self.reported_at,
        )

    def _measure(self, lag: float, pools: Mapping[str, PoolSnapshot]) -> None:
        self.metrics.set("supervisor_loop_lag_seconds", lag)
        self.metrics.set("supervisor_dropped_log_lines", self.outlet.dropped_lines)
        for pool, numbers in pools.items():
            self.metrics.set(f"{pool}_running", numbers.running)


def _extra(start: Start) -> dict[str, object]:
    return {"run": start.run, "pool": start.pool, "label": dict(start.label)}
