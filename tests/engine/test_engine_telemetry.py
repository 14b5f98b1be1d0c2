"""Traces of whole runs, and metrics: what a receiver of OpenTelemetry gets of them, and that a receiver that is away, slow or mad costs a run nothing."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import pathlib
import socket
import time

import pytest
from driver import descendants
from peers.otlp import points
from peers.postgres import alive
from peers.service import get
from peers.slapd import BASE, PASSWORD, READER, few, running
from waiting import until

SECRET = "s3cret-of-the-receiver-41"
REGIONS = ["r1", "r2", "r3"]


def traced(workbench, url, **more):
    """A worker that sends traces to a receiver."""
    return workbench.worker(otel_enabled=True, otel_exporter_otlp_endpoint=url, **more)


def test_a_run_is_a_trace_of_its_scopes_and_batches(otlp, workbench):
    before = time.time_ns()
    worker = traced(
        workbench,
        otlp.base,
        otel_exporter_otlp_headers=[f"authorization=Bearer%20{SECRET}"],
        otel_resource_attributes=["team=inventory"],
        log_level="DEBUG",
    )
    job = workbench.job(regions=REGIONS, resources=700, behaviour="incomplete")
    row = workbench.ended(job)
    root = otlp.run(row["id"])
    after = time.time_ns()

    assert (root.name, root.parent) == ("run hostile", b"")
    wanted = {
        "elder.job.id": str(job),
        "elder.job.name": "job",
        "elder.provider": "hostile",
        "elder.outcome": row["status"],
        "elder.entities": 2100,
        "elder.entities.created": 2100,
        "elder.scopes.complete": 2,
        "elder.scopes.timeout": 1,
        "elder.process.cause": "exited",
        "elder.stored": True,
    }
    assert wanted.items() <= root.attributes.items()
    assert root.attributes["elder.worker"] == socket.gethostname()
    children = [one for one in otlp.spans() if one.parent == root.id]
    assert {one.trace for one in [*children, root]} == {root.trace}
    scopes = {one.attributes["elder.region"]: one for one in children if one.name == "scope thing"}
    assert {region: one.attributes["elder.outcome"] for region, one in scopes.items()} == {
        "r1": "complete",
        "r2": "complete",
        "r3": "timeout",
    }
    assert {one.attributes["elder.resources"] for one in scopes.values()} == {700}
    assert scopes["r3"].attributes["elder.message"] == "one zone did not answer"
    batches = [one for one in children if one.name == "batch"]
    assert sum(one.attributes["elder.rows"] for one in batches) == 2100
    assert len(children) == len(scopes) + len(batches)

    assert before < root.began and root.ended < after
    assert all(root.began <= one.began <= one.ended <= root.ended for one in children)
    ordered = [scopes[region] for region in REGIONS]
    assert all(one.ended <= other.began for one, other in itertools.pairwise(ordered)), "the source reads one region after the other"

    resource = otlp.resources()[0]
    assert {"service.name": "elder-worker", "team": "inventory"}.items() <= resource.items()
    assert {request.path for request in otlp.received} == {"/v1/traces"}
    assert {request.headers["authorization"] for request in otlp.received} == {f"Bearer {SECRET}"}
    assert worker.stop() == 0
    assert SECRET not in worker.log.read_text(errors="replace")
    assert "Bearer" not in worker.log.read_text(errors="replace")


def test_a_run_that_fails_is_an_error_and_no_secret_of_its_job_is_in_its_trace(otlp, workbench):
    traced(workbench, otlp.base)
    row = workbench.ended(workbench.job(behaviour="refuse_credentials", password=SECRET))
    root = otlp.run(row["id"])
    assert root.status.code == root.status.STATUS_CODE_ERROR
    assert root.attributes["error.type"] == "credentials"
    assert "the password '***' is wrong" in root.status.message
    assert all(SECRET.encode() not in request.body for request in otlp.received)


def test_a_run_that_is_refused_before_it_has_a_process_has_a_trace(otlp, workbench):
    traced(workbench, otlp.base)
    row = workbench.ended(workbench.job(no_such_key=1))
    root = otlp.run(row["id"])
    assert (root.attributes["elder.outcome"], root.attributes["error.type"]) == ("error", "config")
    assert [one.name for one in otlp.spans()] == ["run hostile"]


def test_what_waits_is_sent_when_the_worker_stops(otlp, workbench):
    worker = traced(workbench, otlp.base, once=True)
    workbench.job(resources=5)
    until(lambda: worker.process.poll() is not None, "run --once ends")
    assert len(otlp.spans("run")) == 1


def test_a_dead_receiver_costs_a_run_nothing_and_one_log_line(workbench):
    """Nobody listens there: three runs end as ever, the log says it once, and the worker stops in time."""
    worker = traced(workbench, "http://127.0.0.1:9")
    job = workbench.job(regions=REGIONS, resources=50)
    workbench.ended(job)
    until(lambda: "traces do not reach http://127.0.0.1:9" in worker.log.read_text(), "the log says so")
    for count in (2, 3):
        workbench.queue(job)
        assert workbench.ended(job, count)["status"] == "completed"
    began = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - began < 60  # the receiver is held, or away, for longer
    text = worker.log.read_text()
    assert text.count("traces do not reach") == 1
    assert "Traceback" not in text and "opentelemetry" not in text


def test_a_receiver_that_never_answers_holds_up_neither_runs_nor_the_end(otlp, workbench):
    otlp.answering = lambda _request: otlp.ending.wait(120)
    worker = traced(workbench, otlp.base)
    job = workbench.job(regions=REGIONS, resources=50)
    workbench.ended(job)
    until(lambda: otlp.received, "the receiver has a request that it does not answer")
    workbench.queue(job)
    assert workbench.ended(job, 2)["status"] == "completed"
    began = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - began < 60  # the receiver is held, or away, for longer


def test_no_header_is_where_a_job_can_look(otlp, workbench, tmp_path):
    """A job that looks for it in environments, command lines, descriptors and files finds it nowhere."""
    digest = hashlib.sha256(SECRET.encode()).hexdigest()
    worker = traced(workbench, otlp.base, otel_exporter_otlp_headers=[f"x-key={SECRET}"])
    workbench.job(behaviour="intrude", digest=digest, target=str(tmp_path))
    until(lambda: "told intrude find_what_is_hidden: " in worker.log.read_text(), "the job has looked")
    assert "told intrude find_what_is_hidden: refused" in worker.log.read_text()


def test_a_run_whose_worker_is_gone_gets_its_span_from_the_worker_that_ends_it(otlp, workbench):
    first = traced(workbench, otlp.base, lease_ttl=3)
    job = workbench.job(regions=REGIONS, resources=50, pause=30)
    started = until(lambda: workbench.one("select extract(epoch from started_at)::float8 from discovery_history"), "it runs")
    first.kill()
    until(lambda: not first.processes(), "processes are left")
    traced(workbench, otlp.base, lease_ttl=3, discovery_poll_interval=1)
    row = workbench.ended(job)
    root = otlp.run(row["id"])
    assert (root.attributes["elder.outcome"], root.attributes["error.type"]) == ("error", "lost")
    assert (root.attributes["elder.job.id"], root.attributes["elder.worker"]) == (str(job), row["worker"])
    assert "elder.entities" not in root.attributes, "nobody knows"
    assert abs(root.began / 1e9 - started) < 1
    assert abs(root.ended / 1e9 - row["completed_at"].timestamp()) < 2


def mentioning(word: str) -> list[int]:
    """The processes with a word in their environment or command line."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(word.encode() in (folder / name).read_bytes() for name in ("environ", "cmdline")):
                found.append(int(folder.name))
    return found


@pytest.mark.peer("slapd")
def test_a_sync_of_the_real_command_is_a_trace_its_metrics_are_sent_and_no_process_keeps_the_variables(
    otlp, start_worker, authority, tmp_path
):
    folder = tmp_path / "slapd"
    folder.mkdir()
    variables = {
        "OTEL_ENABLED": "true",
        "OTEL_EXPORTER_OTLP_ENDPOINT": otlp.base,
        "OTEL_EXPORTER_OTLP_HEADERS": f"x-key={SECRET}",
        "OTEL_SERVICE_NAME": "directory-worker",
        "OTEL_TRACES_SAMPLER": "always_off",
        "LOG_LEVEL": "DEBUG",
    }
    with running(folder, authority, ldif=few(users=60)) as server:
        directory = {
            "LDAP_ENABLED": "true",
            "LDAP_SERVER": "localhost",
            "LDAP_PORT": str(server.port),
            "LDAP_USE_SSL": "false",
            "LDAP_BIND_DN": READER,
            "LDAP_BIND_PASSWORD": PASSWORD,
            "LDAP_BASE_DN": BASE,
            "LDAP_USER_FILTER": "(objectClass=inetOrgPerson)",
        }
        worker = start_worker(**directory, **variables)
        root = until(lambda: next(iter(otlp.spans("run")), None), "the trace of a sync")
        assert mentioning(SECRET) == []
        status = get(f"{worker.url}/status")
        family = descendants(worker.process.pid)
        worker.stop()
    assert not any(alive(one) for one in family)

    assert (root.attributes["elder.connector"], root.attributes["elder.outcome"]) == ("ldap", "completed")
    assert root.attributes["elder.run.id"].startswith("ldap-")
    assert root.attributes["elder.entities.created"] == sum(one.attributes["elder.rows"] for one in otlp.spans("batch")) > 60
    assert {one.attributes["elder.outcome"] for one in otlp.spans("scope")} == {"complete"}
    assert {one.parent for one in otlp.spans() if one.id != root.id} == {root.id}
    assert otlp.resources()[0]["service.name"] == "directory-worker"
    synced = points(otlp.exports()[-1]["connector_sync"])[("connector", "ldap"), ("status", "completed")]
    assert getattr(synced, synced.WhichOneof("value")) == 1, "the metrics are sent once more at the end"
    assert {request.headers["x-key"] for request in otlp.received} == {SECRET}
    assert SECRET not in worker.log.read_text() + str(status)
    assert "OTEL_TRACES_SAMPLER: no setting of this worker" in worker.log.read_text()
