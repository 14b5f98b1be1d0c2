"""Alerts by their real causes: each comes about in the code itself, and the alert's rule is given what /metrics said before it and after.

Before, the process had just started: an alert on an increase has to see the first one, and a burst before the first scrape as well. How long a state
holds is promtool's matter.
"""

from __future__ import annotations

import datetime as dt
import inspect
import pathlib
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from alert_causes import CAUSES, cause
from alert_timeline import Timeline
from peers.prometheus import RULES, needed
from psycopg.types.json import Jsonb
from scraped_writer import ScrapedWriter
from store_runs import SCOPE, Run, add_job, claim, resources, run_once
from store_syncs import PEOPLE, StoreApi
from waiting import until

from providers import expiry
from providers.errors import Outcome
from providers.records import Absence, Identity, Scope
from providers.sink import ScopeReport
from worker.run import wire
from worker.run.outcome import Status, Verdict
from worker.store import claims, keys
from worker.store.connection import connect

MINUTES = {"ElderRetentionStopped": 70}
"""Minutes for which the cause has to hold, where the rule's `for` does not say it."""

OTHER, THIRD = (Scope("aws", "111", region, "ec2_instance") for region in ("us-west-2", "eu-west-1"))
LDAP = {"LDAP_ENABLED": "true", "LDAP_SERVER": "ldaps://directory.example", "LDAP_BASE_DN": "dc=x", "ELDER_API_URL": "http://127.0.0.1:1"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_fires_by_its_real_cause_and_not_before(
    rule: dict[str, Any], request: pytest.FixtureRequest, tmp_path: pathlib.Path
) -> None:
    needed()
    name = rule["alert"]
    assert name in CAUSES, f"{name} has no cause here: write one, so that the alert is known to fire"
    fixtures = inspect.signature(CAUSES[name]).parameters
    timeline = CAUSES[name](**{fixture: request.getfixturevalue(fixture) for fixture in fixtures})
    held = MINUTES.get(name, minutes(rule.get("for", "0m")) + 5)
    timeline.check(tmp_path, rule, held)
    if "increase(" in rule["expr"]:
        timeline.check_burst(tmp_path, rule, held)


def minutes(text: str) -> int:
    """A duration of a rule."""
    return int(text[:-1]) * {"m": 1, "h": 60}[text[-1]]


def test_no_cause_is_of_an_alert_that_is_gone():
    assert set(CAUSES) == {rule["alert"] for rule in RULES}


@pytest.mark.parametrize(("before", "after", "expression"), [
    ("", 'runs_total{provider="aws"} 4', "increase(runs_total[1h]) > 3"),
    ('runs_total{provider="aws"} 0', 'runs_total{provider="aws"} 2', "increase(runs_total[1h]) > 3"),
    ("parked 1", "parked 1", "parked > 0"),
], ids=["the first sample is a burst", "too few", "it fires before its cause"])  # fmt: skip
def test_an_alert_that_does_not_fire_or_fires_before_its_cause_is_told(tmp_path, before, after, expression):
    """Else the test above would hold for anything."""
    needed()
    timeline = Timeline()
    timeline.record(before + "\n")
    timeline.record(after + "\n")
    with pytest.raises(AssertionError, match="FAILED"):
        timeline.check(tmp_path, {"alert": "Some", "expr": expression}, 5)


def test_a_burst_before_the_first_scrape_that_an_alert_does_not_see_is_told(tmp_path):
    needed()
    timeline = Timeline()
    timeline.record('runs_total{provider="aws"} 4\n')
    with pytest.raises(AssertionError, match="FAILED"):
        timeline.check_burst(tmp_path, {"alert": "Some", "expr": "increase(runs_total[1h]) > 3"}, 5)


# --- the writer and the database


@pytest.fixture
def writer(database: str) -> Iterator[ScrapedWriter]:
    """A writer that has just started, and whose exposition was recorded; it has no free process."""
    made = ScrapedWriter(database, DISCOVERY_MAX_CONCURRENT="12", SYNC_ON_STARTUP="false", **LDAP)
    try:
        made.record("retention_last_run_timestamp", 1)
        yield made
    finally:
        made.close()


@cause("ElderWorkerDown")
def database_away(writer, database) -> Timeline:
    """The database takes no more connections."""
    name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    with psycopg.connect(database, dbname="postgres", autocommit=True) as other:
        other.execute(f'alter database "{name}" allow_connections false')
        try:
            other.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name])
            until(lambda: writer.value("elder_worker_up") == 0, "the writer notices that the database is away")
            writer.record("elder_worker_up", 0)
        finally:
            other.execute(f'alter database "{name}" allow_connections true')
    return writer.timeline


@cause("ElderWorkerAbsent")
def worker_gone(writer) -> Timeline:
    """Nothing answers a scrape any more."""
    writer.timeline.end()
    return writer.timeline


@cause("ElderJobsWait")
def due_and_no_process_free(writer, sql) -> Timeline:
    """A job has been due for 40 minutes."""
    add_job(sql)
    sql.execute("update discovery_jobs set next_run_at = now() - interval '40 minutes'")
    writer.record("discovery_oldest_due_seconds", 2400)
    return writer.timeline


@cause("ElderRunsFail")
def first_runs_of_a_provider_fail(writer, sql) -> Timeline:
    """Four jobs whose source refuses the sign-in, between two scrapes."""
    for _ in range(4):
        add_job(sql, config=Jsonb({"regions": ["eu-west-1"]}), next_run_at="now")
    writer.offer(discovery=4)
    for start in writer.started(4):
        writer.play(start, lambda sink: sink.failed(wire.Failed("credentials", "the source refuses the sign-in")))
    writer.record("discovery_jobs_total", 4, provider="aws", error_kind="credentials")
    return writer.timeline


def syncs(writer: ScrapedWriter, count: int, job: Callable[[Any], None]) -> None:
    """Lets a connector come due so often, and plays its process; what it finds goes to the store as the API would bring it there."""
    [connector] = writer.writer._connectors._schedule
    for _ in range(count):
        until(lambda: connector.next_at is not None, "the sync before has ended")
        connector.next_at = 0.0
        writer.offer(connector=1)
        [start] = writer.started()
        writer.play(start, job)


@pytest.fixture
def delivering(writer, database) -> Iterator[ScrapedWriter]:
    """A writer whose connectors deliver to the store."""
    with connect(database) as connection:
        writer.writer.__dict__["_api"] = StoreApi(connection)
        yield writer


def denied(sink: Any) -> None:
    """A sync to which one of two scopes is denied."""
    for scope, outcome in ((PEOPLE, Outcome.COMPLETE), (Scope("ldap", "dc=x", "", "group"), Outcome.DENIED)):
        sink.begin(scope)
        sink.end(ScopeReport(scope, outcome, 0))
    sink.complete()


@cause("ElderSyncFails")
def syncs_fail(delivering) -> Timeline:
    """Three syncs in a row, of which the first is the first that there ever was."""
    syncs(delivering, 3, lambda sink: sink.failed(wire.Failed("credentials", "the directory refuses the password")))
    delivering.record("connector_sync_errors_total", 3, connector="ldap")
    return delivering.timeline


@cause("ElderSyncInPart")
def syncs_in_part(delivering) -> Timeline:
    syncs(delivering, 3, denied)
    delivering.record("connector_sync_total", 3, connector="ldap", status="partial")
    return delivering.timeline


@cause("ElderConnectorsFail")
def a_connector_reads_in_part(delivering) -> Timeline:
    syncs(delivering, 1, denied)
    delivering.record("connector_failing", 1)
    return delivering.timeline


@cause("ElderJobsParked")
def a_job_crashes_three_times(writer, database, sql) -> Timeline:
    job = add_job(sql)
    for _ in range(3):
        Run(database, job).finish(Verdict(Status.ERROR, "crashed", "the job's process crashed"))
    writer.record("discovery_parked_jobs", 1)
    return writer.timeline


@cause("ElderJobsFail")
def a_job_fails(writer, database, sql) -> Timeline:
    Run(database, add_job(sql)).finish(Verdict(Status.ERROR, "source", "the source does not answer"))
    writer.record("discovery_failing_jobs", 1)
    return writer.timeline


@cause("ElderJobsDenied")
def a_permission_is_taken_away(writer, database, sql) -> Timeline:
    """Two scopes of a job are denied, run after run, and another one is read."""
    job = add_job(sql)
    for _ in range(2):
        run = Run(database, job)
        for scope, outcome in ((SCOPE, Outcome.COMPLETE), (OTHER, Outcome.DENIED), (THIRD, Outcome.DENIED)):
            run.scope([], scope, outcome=outcome)
        run.finish(Verdict(Status.PARTIAL))
    writer.record("discovery_denied_jobs", 1)
    return writer.timeline


@cause("ElderCredentialEnds")
def a_run_signs_in_with_a_certificate_that_ends(writer, database, sql) -> Timeline:
    run = Run(database, add_job(sql))
    ends = dt.datetime.now(dt.UTC) + dt.timedelta(days=20)
    run.inventory.identity(Identity("app-1", "tenant", {expiry.KEY: f"{ends:%Y-%m-%dT%H:%M:%SZ}"}))
    run.finish()
    writer.record("inventory_ending_credentials", 1)
    return writer.timeline


@cause("ElderKeyEnds")
def a_key_is_about_to_end(writer, database, sql) -> Timeline:
    keys.add(sql, "ci", "read", by="t", seconds=10 * 86_400)
    writer.record("elder_ending_keys", 1)
    return writer.timeline


@cause("ElderUnconfirmed")
def a_role_assignment_of_a_management_group_is_seen_no_more_for_a_week(writer, database, sql) -> Timeline:
    job = add_job(sql)
    for count in (2, 1):
        run_once(database, job, resources(count), absence=Absence.OUTSIDE)
    sql.execute("update entities set unconfirmed_since = unconfirmed_since - interval '8 days'")
    writer.record("inventory_unconfirmed", 1)
    return writer.timeline


@cause("ElderScopesStale")
def a_scope_is_denied_for_a_week(writer, database, sql) -> Timeline:
    run_once(database, add_job(sql), [], outcome=Outcome.DENIED)
    sql.execute("update elder_worker.scopes set created_at = created_at - interval '8 days'")
    writer.record("inventory_stale_scopes", 1)
    return writer.timeline


@cause("ElderScopesAbandoned")
def a_plan_leaves_a_scope_out(writer, database, sql) -> Timeline:
    job = add_job(sql)
    for scopes in ((SCOPE, OTHER), (OTHER,)):
        run = Run(database, job)
        for scope in scopes:
            run.scope([], scope)
        run.finish()
    writer.record("inventory_scopes", 1, state="abandoned")
    return writer.timeline


@cause("ElderHeldBack")
def most_of_a_scope_is_gone(writer, database, sql) -> Timeline:
    job = add_job(sql)
    run_once(database, job, resources(100))
    run_once(database, job, resources(40))
    writer.record("inventory_held_back", 60)
    return writer.timeline


@cause("ElderWritesRefused")
def claims_go_to_another_worker(writer, database, sql) -> Timeline:
    """Twelve jobs are another worker's by the time at which this one gives them back."""
    for _ in range(12):
        add_job(sql, next_run_at="now")
    writer.offer(discovery=12)
    starts = writer.started(12)
    sql.execute("update elder_worker.claims set expires_at = now() - interval '1 s'")
    with connect(database) as connection:
        assert len(claims.sweep(connection)) == 12
    assert len(claim(database, str(uuid.UUID(int=2)), limit=12)) == 12
    for start in starts:
        writer.refuse(start, "no process could be started")
    writer.record("writer_refused_writes_total", 12)
    return writer.timeline


@cause("ElderRetentionStopped")
def retention_runs_no_more(writer) -> Timeline:
    """It ran once, at the start."""
    writer.record("retention_last_run_timestamp", 1)
    return writer.timeline


def test_retention_that_has_not_run_since_the_start_is_told(database, sql, tmp_path):
    """Every look fails from the first on, as a table cannot be read."""
    needed()
    sql.execute("alter table elder_worker.webhook_deliveries rename to not_there")
    writer = ScrapedWriter(database, SYNC_ON_STARTUP="false")
    try:
        writer.record("retention_started_timestamp", 1)
        writer.record("retention_started_timestamp", 1)
        assert writer.value("retention_last_run_timestamp") is None
    finally:
        writer.close()
        sql.execute("alter table elder_worker.not_there rename to webhook_deliveries")
    [rule] = [rule for rule in RULES if rule["alert"] == "ElderRetentionStopped"]
    writer.timeline.check(tmp_path, rule, MINUTES[rule["alert"]])
