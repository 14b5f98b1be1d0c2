"""Causes of alerts, in a real supervisor and in a real API. Those of the writer are in the test itself.

A cause is a function whose parameters are fixtures; it records what the process published at its start, and with the cause.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import Any

from alert_timeline import Timeline
from driver import Driver, descendants, supervised
from peers.absent import missing
from peers.elder import ElderClient, settings
from process_limit import process_limit

from api.app import create_app
from api.attempts import WRONG_AT_MOST
from api.delivery.deliverer import WAITS, Deliverer
from worker.health import state as health_state
from worker.health.metrics import exposition

Cause = Callable[..., Timeline]
CAUSES: dict[str, Cause] = {}
"""Alert -> its cause."""

IDLE = {"name": "http", "entry": "programs:idle_service"}


def cause(alert: str) -> Callable[[Cause], Cause]:
    """Marks what brings an alert's cause about."""

    def mark(function: Cause) -> Cause:
        CAUSES[alert] = function
        return function

    return mark


# --- the supervisor


def scraped(driver: Driver) -> str:
    """The exposition of what a supervisor has published."""
    return exposition(driver.state() or {}, "")[0].decode()


def recorded(driver: Driver, holds: Callable[[dict[str, Any]], object], timeline: Timeline) -> Timeline:
    """The timeline with a state of the supervisor that fits."""
    driver.fresh_state(lambda state: bool(holds(state)))
    timeline.record(scraped(driver))
    return timeline


def metric(state: dict[str, Any], name: str) -> float:
    """The value of a metric without labels."""
    return next(value for found, _, _, value in state["metrics"] if found == name)


@cause("ElderSupervisorStalled")
def the_supervisor_is_stopped(tmp_path, monkeypatch) -> Timeline:
    with supervised(tmp_path) as driver:
        timeline = recorded(driver, lambda _: True, Timeline())
        driver.send(signal.SIGSTOP)
        try:
            with monkeypatch.context() as later:
                minute = time.monotonic() + 60
                later.setattr(health_state.time, "monotonic", lambda: minute)
                timeline.record(scraped(driver))
        finally:
            driver.send(signal.SIGCONT)
    return timeline


@cause("ElderProcessRestarts")
def a_process_is_killed_four_times(tmp_path) -> Timeline:
    with supervised(tmp_path, services=[IDLE]) as driver:
        timeline = recorded(driver, lambda _: True, Timeline())
        killed = set()
        for _ in range(4):
            http = driver.wait_state(lambda s: s["services"]["http"]["pid"] not in {None, *killed})["services"]["http"]
            killed.add(http["pid"])
            os.kill(http["pid"], signal.SIGKILL)
        return recorded(driver, lambda s: s["services"]["http"]["restarts"] == 4 and s["services"]["http"]["pid"], timeline)


@cause("ElderJobUnkillable")
def a_job_outlives_sigkill(tmp_path, monkeypatch) -> Timeline:
    """SIGKILL is taken from the supervisor for this job: a process in state D cannot be had everywhere."""
    hold = tmp_path / "hold"
    hold.touch()
    monkeypatch.setenv("UNKILLABLE_WHILE", str(hold))
    with supervised(tmp_path, kill_grace=0, unkillable_after=0.3, control_groups=False) as driver:
        timeline = recorded(driver, lambda _: True, Timeline())
        driver.run("1", "ignore_sigterm")
        driver.wait_scope("1")
        driver.cancel("1")
        recorded(driver, lambda s: s["pools"]["discovery"]["unkillable"], timeline)
        hold.unlink()
    return timeline


@cause("ElderSpawnFails")
def no_process_is_left(tmp_path) -> Timeline:
    """Each of eight jobs has its first process, and none has another."""
    if os.geteuid():
        missing("only root may limit processes")
    with supervised(tmp_path, kill_grace=0, control_groups=False, pools={"discovery": 8}) as driver:
        timeline = recorded(driver, lambda _: True, Timeline())
        with process_limit(driver.pid, *descendants(driver.pid)) as limit:
            limit.spare(8)
            for number in range(8):
                driver.start(str(number))
            recorded(driver, lambda s: metric(s, "supervisor_spawn_failures_total") > 5, timeline)
            limit.lift()
            driver.wait_state(lambda s: not s["spawn_problem"])
    return timeline


@cause("ElderLogLinesDropped")
def nobody_reads_the_log(tmp_path) -> Timeline:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        with supervised(tmp_path, within=("sh", "-c", 'exec "$@" >"$0"', str(pipe))) as driver:
            timeline = recorded(driver, lambda s: metric(s, "supervisor_dropped_log_lines") == 0, Timeline())
            fill(reader)
            driver.run("1", "dirty_log")
            return recorded(driver, lambda s: metric(s, "supervisor_dropped_log_lines") > 0, timeline)
    finally:
        os.close(reader)


def fill(pipe: int) -> None:
    """Writes until the pipe takes no more."""
    for size in (4096, 1):
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(pipe, b"x" * size)


# --- the API


def api_metrics(call: Callable[..., Any]) -> str:
    """The exposition of an API."""
    text: str = call("GET", "/metrics").get_data(as_text=True)
    return text


@cause("ElderApiErrors")
def the_first_requests_of_a_route_fail() -> Timeline:
    """The database does not answer, and six requests for one page meet that between two scrapes."""
    app = create_app(settings("postgresql://elder@127.0.0.1:1/elder"))
    call, timeline = app.test_client().open, Timeline()
    try:
        timeline.record(api_metrics(lambda method, path: call(path, method=method)))
        assert {call("/api/v1/entities").status_code for _ in range(6)} == {503}
        timeline.record(api_metrics(lambda method, path: call(path, method=method)))
    finally:
        app.extensions["elder"].pool.close()
    return timeline


@cause("ElderApiKeysGuessed")
def keys_are_guessed(keyed) -> Timeline:
    timeline, here = Timeline(), {"environ_overrides": {"REMOTE_ADDR": "10.0.0.2"}}
    timeline.record(api_metrics(lambda method, path: keyed.call(method, path, **here)))
    assert [keyed.status(f"wrong-{number}") for number in range(WRONG_AT_MOST + 1)][-1] == 429
    timeline.record(api_metrics(lambda method, path: keyed.call(method, path, **here)))
    return timeline


@cause("ElderWebhooksGivenUp")
def a_receiver_fails_ten_times(database, sql, receiver) -> Timeline:
    app = create_app(settings(database, ELDER_WEBHOOK_NETWORKS="127.0.0.1"))
    elder, context, timeline = ElderClient(app), app.extensions["elder"], Timeline()
    try:
        timeline.record(api_metrics(elder.call))
        hook = elder.post("webhooks", {"name": "hook", "url": receiver.url, "events": ["run.ended"]})
        elder.post(f"webhooks/{hook['id']}/test", status=202)
        receiver.answers = [500] * (len(WAITS) + 1)
        deliverer = Deliverer(context.settings, context.pool, context.box, context.deliveries, timeout=5.0)
        for _ in receiver.answers[:]:
            sql.execute("update elder_worker.webhook_deliveries set next_attempt_at = now() where next_attempt_at is not null")
            sql.execute("update elder_worker.webhooks set busy_until = now() - interval '1 second'")
            deliverer.deliver_due()
        timeline.record(api_metrics(elder.call))
    finally:
        context.pool.close()
    return timeline


@cause("ElderApiAbsent")
def the_api_is_gone(elder) -> Timeline:
    timeline = Timeline()
    timeline.record(api_metrics(elder.call))
    timeline.end()
    return timeline
