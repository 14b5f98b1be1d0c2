"""Traces against receivers that take them, and against those that are away, slow or mad: bounded in time and memory, and logged once."""

from __future__ import annotations

import threading
import time
import tracemalloc

import pytest
from peers.otlp import Otlp
from waiting import until

from providers.errors import Outcome
from providers.records import Scope
from worker.config.settings import Settings
from worker.logs.redact import Redactor
from worker.run import wire
from worker.run.inventory import Totals
from worker.run.outcome import Status, Verdict
from worker.telemetry import run_trace, traces
from worker.telemetry.delivery import TRACES, Delivery
from worker.telemetry.exporter import Exporter
from worker.telemetry.telemetry import Telemetry

SECRET = "s3cret-of-the-receiver-41"
COMPLETED, FAILED = Verdict(Status.COMPLETED), Verdict(Status.ERROR, "timeout", f"it took too long: {SECRET}")
SCOPE = Scope("aws", "123", "eu-west-1", "ec2_instance")


class Nothing:
    """An inventory that can be observed."""

    totals = Totals()

    def observe(self, stored):
        self.stored = stored

    def begin(self, index, scope):
        """Opens nothing."""

    def end(self, end):
        """Closes nothing."""


@pytest.fixture
def made():
    """Makes the traces of a process; they are closed at the end."""
    found = []

    def make(url, redactor=None, **more):
        settings = Settings(otel_enabled=True, otel_metrics_exporter="none", otel_exporter_otlp_endpoint=url, **more)
        found.append(Telemetry(settings, redactor or Redactor(settings.secret_values()), dict))
        return found[-1].traces

    yield make
    for one in found:
        one.close()
        one.wait()
        until(lambda one=one: not any(thread.is_alive() for thread in one._closing), "the thread of the exporter ends")


def warnings(lines):
    return [line for line in lines if line["log_level"] in ("warning", "error")]


def refused(one, number=1):
    for index in range(number):
        one.without_process(str(index), {"provider": "aws"}, COMPLETED, 0.0)


def sent(one):
    """Makes a trace and sends it."""
    refused(one)
    one._provider.force_flush()


def test_scopes_whose_end_is_not_stored_and_what_is_too_much(made, otlp, monkeypatch):
    monkeypatch.setattr(run_trace, "MOST_SPANS", 2)
    one = made(otlp.base)
    trace, inventory = one.begin("7", {"job_id": "3", "provider": "aws", "name": "all"}, Nothing(), ())
    inventory.begin(0, SCOPE)
    inventory.begin(1, SCOPE)
    inventory.end(wire.ScopeEnd(index=0, outcome=Outcome.DENIED, resources=0, message="no"))
    trace.stored(time.monotonic_ns(), 5)
    trace.stored(time.monotonic_ns(), 5)
    trace.ended(COMPLETED, Totals(resources=5, outcomes={"denied": 1}), {"pid": 12, "exit_code": None})
    one._provider.force_flush()
    root = otlp.run(7)
    assert root.attributes["elder.spans_left_out"] == 2
    assert root.attributes["elder.scopes.denied"] == 1
    assert root.attributes["elder.process.pid"] == 12
    [scope] = otlp.spans("scope")
    assert (scope.attributes["elder.outcome"], scope.status.code) == ("denied", scope.status.STATUS_CODE_ERROR)
    assert len(otlp.spans()) == 3


def test_a_scope_that_was_left_open_ends_with_its_run(made, otlp):
    one = made(otlp.base)
    trace, inventory = one.begin("7", {"provider": "aws"}, Nothing(), ())
    inventory.begin(0, SCOPE)
    trace.ended(FAILED, Totals(), {})
    one._provider.force_flush()
    [scope] = otlp.spans("scope")
    assert scope.attributes["elder.outcome"] == "not_stored"
    assert "elder.resources" not in scope.attributes


def test_no_text_has_a_secret_of_the_settings_or_of_the_run_nor_half_a_character(made, otlp):
    one = made(otlp.base, otel_exporter_otlp_headers=(f"x-key={SECRET}",), otel_resource_attributes=(f"note={SECRET}",))
    label = {"provider": "aws", "name": f"job {SECRET} \ud800 {'x' * 1000}"}
    trace, inventory = one.begin("7", label, Nothing(), ("of-the-run-only-77",))
    inventory.begin(0, Scope("aws", SECRET, "of-the-run-only-77", SECRET))
    inventory.end(wire.ScopeEnd(index=0, outcome=Outcome.DENIED, resources=0, message=f"no: {SECRET}, of-the-run-only-77"))
    trace.ended(FAILED, Totals(), {"cause": SECRET})
    one._provider.force_flush()
    name = otlp.run(7).attributes["elder.job.name"]
    assert name.startswith("job *** ? x") and len(name) == run_trace.LONGEST
    for request in otlp.received:
        assert SECRET.encode() not in request.body and b"of-the-run-only" not in request.body
        assert request.headers["x-key"] == SECRET


def test_a_test_of_a_connection_has_no_trace(made, otlp):
    assert made(otlp.base).begin("t", {"kind": "test", "provider": "aws"}, Nothing(), ()) is None


def test_an_sdk_that_fails_costs_the_run_nothing(made, otlp, monkeypatch, log_lines):
    one = made(otlp.base)
    trace, inventory = one.begin("7", {"provider": "aws"}, Nothing(), ())

    def fail(*_arguments, **_options):
        raise RuntimeError("broken")

    monkeypatch.setattr(one._tracer, "start_span", fail)
    for index in range(3):
        inventory.begin(index, SCOPE)
        inventory.end(wire.ScopeEnd(index=index, outcome=Outcome.COMPLETE, resources=0))
    assert one.begin("8", {"provider": "aws"}, Nothing(), ()) is None
    one.without_process("9", {"provider": "aws"}, COMPLETED, 0.0)
    assert [line["event"] for line in warnings(log_lines)][:1] == ["a span of a run could not be made"]
    assert len(warnings(log_lines)) == 3
    trace.ended(COMPLETED, Totals(), {})


MAD = {
    "a web page": ({"Content-Type": "text/html"}, [200], "a web page"),
    "a redirect": ({"Location": "http://127.0.0.1:9/"}, [302], "302, a redirect"),
    "an error": ({}, [400], "it answers 400"),
    "a wrong key": ({}, [401], "it answers 401"),
    "later, in a year": ({"Retry-After": "31536000"}, [503], "it answers 503"),
}


@pytest.mark.parametrize("what", MAD)
def test_an_answer_that_is_none_is_logged_once(made, otlp, log_lines, what):
    headers, answers, reason = MAD[what]
    otlp.headers, otlp.answers = headers | {"Connection": "close"}, answers * 10
    one = made(otlp.base, otel_exporter_otlp_headers=(f"authorization=Bearer%20{SECRET}",))
    for _ in range(3):
        sent(one)
    [line] = warnings(log_lines)
    assert line["event"].startswith(f"traces do not reach {otlp.base}: ")
    assert reason in line["event"]
    assert SECRET not in str(log_lines)
    assert len(otlp.received) == 3, "each is sent once"


NOT_HTTP = {
    "no HTTP": b"\x15\x03\x01\x00\x02\x02\x16 not http\r\n\r\n",
    "nothing": b"",
    "headers that are none": b"HTTP/1.1 503 Busy\r\nno colon here\r\n: x\r\nContent-Length: many\r\n\r\n",
    "a header without end": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000,
    "chunks that are none": b"HTTP/1.1 400 No\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nzz",
}


@pytest.mark.parametrize("what", NOT_HTTP)
def test_bytes_that_are_no_answer_are_logged_once(made, otlp, log_lines, caplog, monkeypatch, what):
    """The line is one of ours, and the lines of the HTTP library, one for each request, are dropped."""
    monkeypatch.setattr("worker.telemetry.sender.TIMEOUT", 0.5)
    otlp.answering = lambda request: request.wfile.write(NOT_HTTP[what])
    one = made(otlp.base)
    for _ in range(3):
        sent(one)
    [line] = warnings(log_lines)
    assert line["event"].startswith(f"traces do not reach {otlp.base}: ")
    assert [record.getMessage() for record in caplog.records if record.levelname != "DEBUG"] == []


def test_refused_spans_are_logged_and_an_answer_that_is_no_message_is_not(made, otlp, log_lines):
    one = made(otlp.base)
    otlp.body = b"\xff\xfenonsense"
    sent(one)
    assert warnings(log_lines) == []
    otlp.refuse(1, "too many of them")
    sent(one)
    [line] = warnings(log_lines)
    assert "it refuses 1 spans: too many of them" in line["event"]


def test_a_receiver_that_is_back_is_logged_once_and_one_that_comes_and_goes_is_not(made, otlp, log_lines):
    one = made(otlp.base)
    otlp.answers = [400, 200, 400, 200, 400] + [200] * 10
    for _ in range(5):
        sent(one)
    assert [line["log_level"] for line in log_lines] == ["warning", "info"]
    assert log_lines[1]["lost_spans"] == 1


def test_an_endless_answer_is_not_read_to_its_end(otlp, log_lines):
    sent = threading.Event()

    def endless(request):
        request.send_response(200)
        request.end_headers()
        try:
            while not otlp.ending.is_set():
                request.wfile.write(b"x" * 65536)
        except OSError:
            sent.set()

    otlp.answering = endless
    exporter = Exporter(otlp.base, {}, "", Delivery(otlp.base, TRACES))
    tracemalloc.start()
    exporter._sender.session.request("POST", f"{otlp.base}/v1/traces", data=b"", timeout=5)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    until(sent.is_set, "the connection is closed")
    assert peak < 4 * 1024 * 1024
    exporter.shutdown()


def test_a_full_queue_is_bounded_and_nobody_waits(made, otlp, log_lines, monkeypatch):
    """While the receiver holds one request, as many spans as the queue has are kept, and no more; no call takes long."""
    monkeypatch.setattr(traces, "QUEUE", 64)
    monkeypatch.setattr(traces, "BATCH", 16)
    otlp.answering = lambda _request: otlp.ending.wait(60)
    one = made(otlp.base)
    refused(one, 16)
    until(lambda: otlp.received, "a request is held")
    began = time.monotonic()
    refused(one, 1000)
    assert time.monotonic() - began < 30  # the receiver is held for longer
    [line] = warnings(log_lines)
    assert "the queue is full" in line["event"]
    closing = one.close()
    assert closing.is_alive(), "it waits for the receiver, and nobody waits for it"
    otlp.answering = None
    otlp.ending.set()
    until(lambda: not closing.is_alive(), "the rest is sent")
    assert len(otlp.spans()) <= 16 + 64 + 16 + 16


def test_it_is_sent_by_tls_with_the_cas_of_a_file_and_not_without(made, authority, log_lines):
    receiver = Otlp(authority.server_context())
    try:
        sent(made(receiver.base, otel_exporter_otlp_certificate=str(authority.ca)))
        assert len(receiver.spans()) == 1 and warnings(log_lines) == []
        sent(made(receiver.base))
        [line] = warnings(log_lines)
        assert "CERTIFICATE_VERIFY_FAILED" in line["event"] or "certificate" in line["event"]
        assert len(receiver.spans()) == 1
    finally:
        receiver.close()


def test_the_sdk_sends_nothing_of_the_environment(made, otlp, monkeypatch):
    """The variables come from the settings alone, and a netrc file or a plug-in that the environment names has no effect."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    sent(made(otlp.base))
    assert len(otlp.spans()) == 1
