"""The times at which connectors sync."""

from __future__ import annotations

import time

import msgspec
import pytest

from providers.errors import ConfigError
from supervisor.messages import MAX_MESSAGE, Slots
from supervisor.metrics import Metrics
from worker.config.settings import load
from worker.sync.schedule import Schedule
from worker.writer.connectors import ConnectorScheduler
from worker.writer.dispatcher import Limits, RunDispatcher
from worker.writer.mailbox import Mailbox


def schedule(*intervals, spread=lambda low, high: 0.0, **options):
    return Schedule(intervals, now=1000.0, spread=spread, **options)


def names(connectors):
    return [connector.name for connector in connectors]


def test_on_startup_all_are_due_at_once():
    assert names(schedule(("ldap", 3600), ("aws", 60)).due(1000.0)) == ["ldap", "aws"]


def test_without_startup_each_waits_its_interval():
    plan = schedule(("ldap", 3600), ("aws", 60), on_startup=False)

    assert plan.due(1059.0) == []
    assert plan.next_at() == 1060.0
    assert names(plan.due(1060.0)) == ["aws"]


def test_never_over_itself():
    plan = schedule(("ldap", 10))
    plan.started("ldap")

    assert plan.due(5000.0) == []
    assert plan.next_at() is None

    plan.ended("ldap", 5000.0, ok=True)
    assert plan.due(5009.0) == []
    assert names(plan.due(5010.0)) == ["ldap"]


def test_a_failure_is_tried_again_with_growing_waits_and_then_at_the_interval():
    plan = schedule(("ldap", 3600), max_retries=3)
    waits = []
    for _ in range(5):
        plan.started("ldap")
        plan.ended("ldap", 0.0, ok=False, error_kind="timeout")
        waits.append(plan.next_at())

    assert waits == [30.0, 60.0, 120.0, 3600.0, 3600.0]

    plan.ended("ldap", 0.0, ok=True)
    plan.ended("ldap", 0.0, ok=False)
    assert plan.next_at() == 30.0


def test_a_retry_never_comes_later_than_the_interval():
    plan = schedule(("ldap", 10))
    plan.ended("ldap", 0.0, ok=False, error_kind="timeout")

    assert plan.next_at() == 10.0


@pytest.mark.parametrize("kind", ["config", "credentials"])
def test_what_a_retry_cannot_cure_waits_for_the_interval(kind):
    plan = schedule(("ldap", 3600))
    plan.ended("ldap", 0.0, ok=False, error_kind=kind)

    assert plan.next_at() == 3600.0


def test_jitter_stays_within_its_share():
    plan = Schedule([(f"c{n}", 1000.0) for n in range(200)], now=0.0, on_startup=False)
    times = [connector.next_at for connector in plan]

    assert 950.0 <= min(times) < max(times) <= 1050.0
    assert len(set(times)) > 150


def test_a_refused_start_is_no_failure():
    plan = schedule(("ldap", 3600))
    plan.started("ldap")
    plan.postponed("ldap", 2000.0)

    assert plan.next_at() == 2005.0
    assert next(iter(plan)).failures == 0


def test_the_report_of_connectors_fits_into_a_message_whatever_their_errors_say():
    """The report is sent every second; one that is too large would end the writer."""

    class Refusing:
        def connector(self, run, name):
            raise ConfigError('"' * 50_000)

    dispatcher = RunDispatcher(Sent(), Mailbox(), {"connector": 2})
    dispatcher.take(Slots(free={"connector": 2}), ())
    names = tuple(load({}).connectors())
    plan = Schedule([(name, 60.0) for name in names], time.monotonic())  # a machine that is up for less than 1000 s is one, too
    connectors = ConnectorScheduler(plan, names, dispatcher, Refusing(), None, Limits(1.0, 1.0), Metrics())
    connectors.tick()

    assert {last["status"] for last in connectors.report()} == {"error"}
    assert len(msgspec.json.encode(connectors.report())) < MAX_MESSAGE / 2


class Sent:
    """A channel that nobody reads."""

    def send(self, message):
        raise AssertionError(message)
