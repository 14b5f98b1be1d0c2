"""The writer process: builds its parts from the settings, runs the loop, and closes everything."""

from __future__ import annotations

import functools
import gc
import socket
import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog

from providers import registry
from providers.records import Organization, Scope
from supervisor.channel import Channel
from supervisor.messages import ToWriter
from supervisor.metrics import Metrics
from worker.config.references import References
from worker.config.sealed import unseal
from worker.config.secretbox import SecretBox
from worker.config.settings import Settings
from worker.logs import structured as logs
from worker.logs.redact import Redactor
from worker.run import catalogue
from worker.run.queue import Abilities, Claimed
from worker.run.unstored import UnstoredOutcomes
from worker.store import scopes
from worker.store.connection import Connection, connect
from worker.store.inventory import PostgresInventory
from worker.store.queue import PostgresQueue
from worker.store.retention import Kept
from worker.sync.schedule import Schedule
from worker.writer.backlog import Backlog
from worker.writer.connectors import ConnectorScheduler
from worker.writer.discovery import Discovery
from worker.writer.dispatcher import Limits, RunDispatcher
from worker.writer.launch import Launcher
from worker.writer.loop import Loop
from worker.writer.mailbox import Mailbox
from worker.writer.report import Reporter
from worker.writer.requests import SyncRequests

if TYPE_CHECKING:
    from worker.sync.client import ElderApi
    from worker.sync.inventory import ApiInventory
    from worker.telemetry.telemetry import Telemetry

ONCE_TIMEOUT = 60.0
"""Seconds that ``run --once`` waits for an unreachable database."""

DEFERRED_WRITES_TIMEOUT = 4.0
"""Seconds at the end for writes that are still to be stored."""

FAREWELL_TIMEOUT = 2.0
"""Seconds after the last run for telling the Elder API that this worker stops, while deferred writes are stored."""

_log = structlog.get_logger("worker.writer")


def run(control: int, settings_fd: int, once: bool, job: int | None, unstored: int | None = None, state: int | None = None) -> int:
    """Runs the writer until the supervisor closes the channel.

    `unstored` is a descriptor of what an earlier writer has left, `state` of what the supervisor publishes.
    """
    settings = unseal(settings_fd, Settings)
    registry.adopt(settings.packages.descriptions)
    registry.refuse(settings.packages.problems)
    redactor = Redactor(_secrets(settings))
    logs.configure(settings.log_level, settings.log_format, redactor=redactor)
    telemetry = _telemetry(settings, redactor, state)
    writer = Writer(settings, Channel(control, ToWriter), once=once, job=job, unstored=unstored, telemetry=telemetry)
    gc.freeze()  # the garbage collector skips what is loaded: it took an eighth of the time of a new row
    writer.run()
    return 0


class Writer:
    """All parts of the writer, connected to each other."""

    def __init__(
        self,
        settings: Settings,
        channel: Channel[ToWriter],
        *,
        once: bool,
        job: int | None,
        unstored: int | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        self._settings, self._owner = settings, str(uuid.uuid4())
        self._telemetry = telemetry
        self._unstored = UnstoredOutcomes(self._owner, unstored)
        self._channel, self._mailbox, metrics = channel, Mailbox(), Metrics()
        self._dispatcher = RunDispatcher(channel, self._mailbox, settings.pools(), telemetry.traces if telemetry else None)
        launcher = _launcher(settings)
        self._discovery = Discovery(
            self._dispatcher, launcher, self._job_inventory, _job_limits(settings), once=once, job=job, unstored=self._unstored
        )
        self._backlog = self._make_backlog(job) if settings.database_url else None
        self._connectors = self._make_connectors(launcher, metrics, idle=once)
        asks = not once and any(source.syncs for source in settings.connectors().values())
        self._requests = (
            SyncRequests(self._asking_api, self._owner, socket.gethostname(), self._mailbox, self._connectors) if asks else None
        )
        self._reporter = Reporter(self._backlog, self._dispatcher, self._discovery, self._connectors, metrics, settings.retention_days())
        self._once, self._began = once, time.monotonic()

    def run(self) -> None:
        """Runs until the supervisor closes the channel, or the last run ends while the service stops."""
        works = (self._connectors, self._discovery) if self._backlog else (self._connectors,)
        loop = Loop(self._channel, self._mailbox, self._dispatcher, works, self._reporter.state)
        if self._once:
            loop.finished = self._finished
        if self._backlog:
            self._backlog.start()
        if self._requests:
            self._requests.start()
        loop.run()
        ended = time.monotonic()
        if self._telemetry:
            self._telemetry.close()
        if self._requests:
            self._requests.stop()
        if self._backlog:
            self._backlog.stop(self._dispatcher.runs)
            self._backlog.join(DEFERRED_WRITES_TIMEOUT)
        if self._requests:
            self._requests.join(max(0.0, ended + FAREWELL_TIMEOUT - time.monotonic()))
        if self._telemetry:
            self._telemetry.wait()

    def _make_backlog(self, job: int | None) -> Backlog:
        settings = self._settings
        url, read_url, name = settings.database_url, settings.database_read_url, socket.gethostname()
        abilities = Abilities(settings.runnable_providers(), settings.worker_queues) if settings.sources else None
        backlog = Backlog(
            lambda: PostgresQueue(
                url,
                self._owner,
                name,
                settings.lease_ttl,
                read_url=read_url,
                listen_url=settings.database_listen_url,
                kept=Kept(**settings.retention_days()),
                abilities=abilities,
                packages=settings.packages,
            ),
            self._mailbox,
            self._discovery,
            poll_seconds=settings.discovery_poll_interval,
            lease_seconds=settings.lease_ttl,
            outage_grace=settings.outage_grace,
            job=job,
        )
        self._discovery.attach(backlog)
        return backlog

    def _make_connectors(self, launcher: Launcher, metrics: Metrics, *, idle: bool) -> ConnectorScheduler:
        settings = self._settings
        connectors = settings.connectors()
        intervals = [(name, source.sync_interval) for name, source in connectors.items() if source.syncs and not idle]
        schedule = Schedule(intervals, time.monotonic(), on_startup=settings.sync_on_startup, max_retries=settings.sync_max_retries)
        limits = Limits(settings.connector_sync_timeout, settings.discovery_idle_timeout)
        return ConnectorScheduler(schedule, tuple(connectors), self._dispatcher, launcher, self._sync_inventory, limits, metrics)

    def _sync_inventory(self, owner: str, run: str, request: int) -> ApiInventory:
        from worker.sync.inventory import ApiInventory, Destination  # noqa: PLC0415 - a worker without connectors needs no HTTP client

        destination = Destination(self._settings.default_organization_id, self._settings.create_missing_organizations)
        name = owner.removeprefix("connector:")
        version = catalogue.version(name, self._settings.connectors()[name].connector)
        return ApiInventory(self._api, owner, run, destination, self._settings.sync_batch_size, version, request)

    @functools.cached_property
    def _api(self) -> ElderApi:
        return self._connect_api(self._settings.sync_max_retries)

    def _asking_api(self) -> ElderApi:
        return self._connect_api(retries=0)  # what is not answered is asked again soon

    def _connect_api(self, retries: int) -> ElderApi:
        from worker.sync.client import ElderApi  # noqa: PLC0415 - as above

        given = self._settings
        return ElderApi(given.elder_api_url, given.elder_api_key, retries=retries, ca_file=given.elder_api_ca_bundle)

    def _job_inventory(self, claimed: Claimed) -> PostgresInventory:
        url, name = self._settings.database_url, f"elder-worker/{self._owner[:8]} run {claimed.run_id}"
        guard, pins = self._settings.mass_delete_guard, registry.get(claimed.provider).pins_identity
        version = catalogue.version(claimed.provider, claimed.config)
        return PostgresInventory(
            lambda: connect(url, name),
            claimed,
            self._owner,
            guard,
            self._place,
            pins=pins,
            version=version,
            grace=self._grace,
        )

    def _grace(self) -> float:
        """Seconds for which a run waits for a database that does not answer; a service that stops does not wait."""
        return 0.0 if self._discovery.draining else self._settings.outage_grace

    def _place(self, connection: Connection, scope: Scope) -> int:
        """The organization of a job that names none: the default, or one named after the account, created when missing."""
        if self._settings.default_organization_id is not None:
            return self._settings.default_organization_id
        wanted = Organization(f"{scope.provider}/{scope.account}", f"{registry.get(scope.provider).title}: {scope.account}")
        known: dict[str, int] = {}
        scopes.add_organizations(connection, "accounts", [wanted], known)
        return known[wanted.external_id]

    def _finished(self) -> int | None:
        if self._backlog is None:
            _log.error("run --once needs DATABASE_URL: there is no queue of jobs without a database")
            return 1
        if self._backlog.state.state != "up" and time.monotonic() - self._began > ONCE_TIMEOUT:
            return 1
        return self._discovery.exit_code


def _launcher(settings: Settings) -> Launcher:
    box = SecretBox(settings.elder_secret_keys)
    logs = (settings.log_level, settings.log_format)
    references = References(settings, settings.sources, confine_files=settings.discovery_confine_files)
    return Launcher(settings.sources, settings.discovery_allowed_paths, box, logs, settings.discovery_allowed_ports, references)


def _job_limits(settings: Settings) -> Limits:
    return Limits(settings.discovery_job_timeout, settings.discovery_idle_timeout)


def _telemetry(settings: Settings, redactor: Redactor, state: int | None) -> Telemetry | None:
    """Traces and metrics where they are switched on. Runs do not depend on them: the writer goes on where they cannot be made."""
    if not settings.otel_enabled:
        return None
    try:
        from worker.health.state import read  # noqa: PLC0415 - as below
        from worker.telemetry.telemetry import Telemetry  # noqa: PLC0415 - the SDK takes a fifth of a second and 15 MB

        return Telemetry(settings, redactor, lambda: read(state) if state is not None else {})
    except Exception as error:  # noqa: BLE001 - as above
        _log.error("no telemetry is sent: the OpenTelemetry SDK cannot be used", error=f"{type(error).__name__}: {error}")
        return None


def _secrets(settings: Settings) -> Iterator[str]:
    """Values that must not appear in the writer's log lines."""
    yield from settings.secret_values()
    for url in (settings.database_url, settings.database_read_url, settings.database_listen_url):
        yield urlsplit(url).password or ""
