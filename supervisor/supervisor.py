"""The supervisor: one thread, one event loop. It spawns, counts, times and kills jobs, and does not know what they are for.

It never blocks, and it stops in order: jobs first, then the writer, which stores how they ended, then the other services. If it is killed
itself, the kernel kills its children with it.
"""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Mapping

import msgspec

from supervisor import descriptors, kernel
from supervisor.config import Service, SupervisorConfig
from supervisor.errors import SpawnError
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
from supervisor.published import PublishedState
from supervisor.service import Restarts, RunningService
from supervisor.signals import Signals
from supervisor.snapshot import PoolSnapshot, Snapshot, snapshot
from supervisor.watchdog import Watchdog
from supervisor.writer_link import WriterLink

WRITER_GRACE = 5.0
"""Seconds for the writer to store the last outcomes once the last job is dead, and for a service to leave after SIGTERM."""

HIDDEN_PROCESSES = (
    "/proc is mounted with hidepid and hides the jobs' processes: their memory cannot be measured, so that only RLIMIT_DATA and control "
    "groups cap it; run the worker in the group of the mount option gid=, or without hidepid"
)

log = logging.getLogger("supervisor")


class Supervisor:
    """Runs services and jobs until a signal stops it, or until a service cannot be kept alive."""

    def __init__(self, config: SupervisorConfig) -> None:
        self.config, self.loop, self.metrics = config, Loop(), Metrics()
        self._published = PublishedState(config.state)
        self.outlet = Outlet()
        self.jobs = Jobs(config, self.loop, self.outlet.write, self._service_pids)
        self.jobs.on_ready, self.jobs.on_exit, self.jobs.on_capacity = self._on_job_ready, self._on_job_exit, self._send_slots
        shortage = descriptors.shortage(descriptors.raise_limit(), sum(config.pools.values()))
        self._limits = [shortage] if shortage else []
        self.report: Report | None = None
        self.reported_at = 0.0
        self.draining = False
        self.started_at = time.time()
        self._exit_code = 0
        self._requested: set[str] = set()
        self._publish_due = False
        self.writer = self._service(config.writer, self._on_writer_exit, self._connect_writer)
        self._link = WriterLink(self.loop, self._handle, lambda: self.writer.signal(signal.SIGKILL))
        self._watchdog = Watchdog(self.loop, self.writer, config.writer_timeout)
        self.services = [self._service(service, self._schedule_publish, dict) for service in config.services]

    def _service(self, service: Service, on_exit: Callable[[], None], descriptors: Callable[[], Mapping[str, int]]) -> RunningService:
        restarts = Restarts(self.config.restarts, self.config.restart_window)
        return RunningService(service, self.loop, restarts, on_exit=on_exit, give_up=self._give_up, descriptors=descriptors)

    def run(self) -> int:
        """Runs until the end; returns the exit code. To be called from the main thread."""
        for warning in self._limits:
            log.warning("%s", warning)
        kernel.adopt_orphans()
        kernel.hide_memory()
        kernel.limit_heaps(1)  # its other threads allocate little
        with Signals(self.loop, {signal.SIGTERM: self._on_stop, signal.SIGINT: self._on_stop, signal.SIGCHLD: self.jobs.survey}):
            for service in (self.writer, *self.services):
                service.start()
            self.loop.every(self.config.publish_every, self._publish)
            self._publish()
            while not self._over:
                self.loop.run_once()
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

    def _connect_writer(self) -> Mapping[str, int]:
        descriptors = self._link.open()
        self._requested.clear()  # requests of an earlier writer, which this one does not know
        self._watchdog.reset()
        self._send_slots()
        return descriptors

    def _on_writer_exit(self) -> None:
        self._link.close()
        self.jobs.kill_all(Cause.WRITER, "the process that stores results is gone", now=True)
        if self.draining:
            self._stop_services()

    def _handle(self, message: FromWriter) -> None:
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
                self._watchdog.reset()
            case Finished(run=run, increments=increments):
                self._requested.discard(run)
                self.metrics.add(increments)
            case Stop(exit_code=code):
                self._exit_code = code
                self._drain(0.0)

    def _send_slots(self) -> None:
        self._link.send(Slots(free=dict.fromkeys(self.config.pools, 0) if self.draining else self.jobs.free()))
        self._schedule_publish()

    # --- jobs

    def _start(self, start: Start) -> None:
        try:
            job = self.jobs.spawn(start)
        except SpawnError as error:
            log.warning("no process for %s: %s", start.title, error, extra=_extra(start))
            self._link.send(Refused(run=start.run, sentence=str(error)))
            return
        self._requested.add(start.run)
        log.info("spawned a process for %s", start.title, extra={**_extra(start), "child_pid": job.pid})
        self._link.send(Spawned(run=start.run, pid=job.pid), job.for_writer)
        self._send_slots()

    def _on_job_ready(self, job: Job) -> None:
        self._link.send(Ready(run=job.start.run))

    def _on_job_exit(self, job: Job, exited: Exited) -> None:
        start = job.start
        details = {**_extra(start), "cause": exited.cause, "exit_code": exited.exit_code, "signal": exited.signal}
        details |= {"seconds": exited.seconds, "kill_seconds": exited.kill_seconds, "peak_mb": exited.peak_bytes >> 20}
        log.info("ended: %s, %s", start.title, exited.sentence, extra=details)
        if start.lifetime is not None:
            self.metrics.observe_series(start.lifetime, exited.seconds)
        if exited.kill_seconds is not None:
            self.metrics.observe(self.config.kill_latency_metric, exited.kill_seconds)
        if start.run in self._requested:
            self._link.send(exited)
        self._send_slots()
        if self.draining and not self.jobs:
            self._on_last_job_ended()

    # --- the end

    def _on_stop(self) -> None:
        if self.draining:
            log.warning("a second signal to stop: running jobs are killed now")
            self.jobs.kill_all(Cause.SHUTDOWN, "the worker was told twice to stop", now=True)
        else:
            log.info("stopping: running jobs have %g s", self.config.shutdown_grace)
            self._drain(self.config.shutdown_grace)

    def _give_up(self, code: int, sentence: str) -> None:
        log.critical("giving up: %s", sentence)
        self._exit_code = self._exit_code or code
        self._drain(0.0)

    def _drain(self, grace: float) -> None:
        if self.draining:
            return
        self.draining = self.jobs.closed = True
        self._link.send(Drain(seconds=grace))
        self.writer.expect_exit()
        if self.jobs:
            sentence = "the worker is stopping, and the job did not end in time"
            self.loop.after(grace, lambda: self.jobs.kill_all(Cause.SHUTDOWN, sentence))
        else:
            self._on_last_job_ended()

    def _on_last_job_ended(self) -> None:
        """Lets the writer store the last outcomes and leave; stops it when it does not."""
        if self.writer.alive:
            self.loop.after(WRITER_GRACE, lambda: self.writer.stop(1.0))
        else:
            self._stop_services()

    def _stop_services(self) -> None:
        for service in reversed(self.services):
            service.stop(WRITER_GRACE)

    # --- the state

    def _schedule_publish(self) -> None:
        if not self._publish_due:
            self._publish_due = True
            self.loop.after(0.05, self._publish)

    def _publish(self) -> None:
        self._publish_due = False
        self._published.write(msgspec.json.encode(self._snapshot()))

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
            spawn_problem=self._spawn_problem(),
            warnings=self._warnings(),
            metrics=self.metrics.samples(),
            report=self.report.state if self.report else None,
            reported_at=self.reported_at,
        )

    def _spawn_problem(self) -> str:
        """Why processes cannot be started now, in a sentence; empty when they can."""
        if backoff := self.jobs.backoff:
            return f"{backoff.sentence}; it is tried again in {backoff.retry_in:.0f} s, and no work is taken until then"
        return next((f"{s.service.name}: {s.spawn_error}" for s in (self.writer, *self.services) if s.spawn_error), "")

    def _warnings(self) -> list[str]:
        warnings = list(self._limits)
        if self.jobs.hidden:
            warnings.append(HIDDEN_PROCESSES)
        return warnings

    def _measure(self, lag: float, pools: Mapping[str, PoolSnapshot]) -> None:
        self.metrics.set("supervisor_loop_lag_seconds", lag)
        self.metrics.set("supervisor_dropped_log_lines", self.outlet.dropped_lines)
        for pool, numbers in pools.items():
            self.metrics.set(f"{pool}_running", numbers.running)
        self.metrics.total("supervisor_spawn_failures_total", self.jobs.backoff.failures)


def _extra(start: Start) -> dict[str, object]:
    return {"run": start.run, "pool": start.pool, "label": dict(start.label)}
