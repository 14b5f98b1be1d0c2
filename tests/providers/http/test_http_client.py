"""The one HTTP client against a server that misbehaves: retries, bounds, circles, other hosts."""

from __future__ import annotations

import contextlib
import gzip
import json
import ssl
import threading
import time
from email.utils import formatdate

import pytest

from providers import progress
from providers.errors import BadAnswer, CredentialsError, Denied, PageTooLarge, ScopeError, Throttled, TimedOut, Unsupported
from providers.http import client as client_module
from providers.http import retry
from providers.http.client import Http
from providers.http.response import next_link
from providers.http.tls import tls
from providers.pages import Page


def cut(handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"{")
    handler.close_connection = True


def test_a_good_answer(server, http_client):
    server.script = [(200, b'{"a": 1}')]
    before = progress.answers()

    assert http_client.get("/x?y=1").object() == {"a": 1}
    [(path, headers)] = server.requests
    assert path == "/x?y=1"
    assert headers["Authorization"] == "Bearer s3cret"
    assert progress.answers() == before + 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, CredentialsError), (403, Denied), (404, Unsupported), (400, ScopeError), (302, BadAnswer), (202, ScopeError), (206, ScopeError)],
)
def test_a_refusal_is_final_and_a_sentence(server, http_client, waits, status, kind):
    server.script = [(status, b"{}")]

    with pytest.raises(kind, match="Weather") as raised:
        http_client.get("/x", what="list stations", permission="stations.read")
    assert len(server.requests) == 1
    assert not waits
    assert "s3cret" not in str(raised.value) + raised.value.detail
    assert getattr(raised.value, "permission", "stations.read") == "stations.read"


def test_f06_a_storm_of_429_is_waited_out_as_asked_and_never_longer_than_the_cap(server, http_client, waits):
    later = formatdate(time.time() + 20, usegmt=True)
    asked = ["0", "-5", "1000000000", later, "7"]
    server.script = [(429, b"", ("Retry-After", value)) for value in asked]

    with pytest.raises(Throttled, match="slow down"):
        http_client.get("/x")

    assert len(server.requests) == retry.TRIES
    assert all(0 <= seconds <= retry.LONGEST_WAIT for seconds in waits)
    assert waits[2] == retry.LONGEST_WAIT
    assert 15 <= waits[3] <= 25


def test_a_rate_limit_that_is_used_up_is_kept(server, http_client, waits):
    reset = str(int(time.time()) + 30)
    server.script = [(200, b"{}", ("X-Rate-Limit-Remaining", "0"), ("X-Rate-Limit-Reset", reset)), (200, b"{}")]

    http_client.get("/x")
    http_client.get("/x")

    [seconds] = waits
    assert 20 <= seconds <= 31


def test_each_quota_of_a_source_is_used_up_by_itself(server, http_client, waits):
    reset = str(int(time.time()) + 30)
    server.script = [(200, b"{}", ("X-Rate-Limit-Remaining", "0"), ("X-Rate-Limit-Reset", reset)), (200, b"{}")]

    http_client.get("/members/1", quota="members")
    http_client.get("/users", quota="users")
    assert not waits
    http_client.get("/members/2", quota="members")
    assert len(waits) == 1


@pytest.mark.parametrize(("left", "waited"), [("61", False), ("60", True), ("nonsense", False)])
def test_a_tenth_of_a_rate_limit_is_left_to_others(server, http_client, waits, left, waited):
    result = [("X-Rate-Limit-Limit", "600"), ("X-Rate-Limit-Remaining", left), ("X-Rate-Limit-Reset", str(int(time.time()) + 30))]
    server.script = [(200, b"{}", *result), (200, b"{}")]

    http_client.get("/x")
    http_client.get("/x")

    assert bool(waits) is waited


@pytest.mark.parametrize("ahead", [-7200, 7200])
def test_a_reset_is_a_time_of_the_sources_own_clock(server, http_client, waits, ahead):
    """Whose clock is two hours ahead of ours, or behind, is waited for as long all the same."""

    def answer(handler):
        handler.send_response_only(200)
        handler.send_header("Date", formatdate(time.time() + ahead, usegmt=True))
        handler.send_header("X-Rate-Limit-Remaining", "0")
        handler.send_header("X-Rate-Limit-Reset", str(int(time.time()) + ahead + 30))
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"{}")

    server.script = [answer]
    http_client.get("/x")
    http_client.get("/x")

    assert 25 <= waits[0] <= 31


@pytest.mark.parametrize(
    "links",
    [
        ['</x?after=2>; rel="next"', '</x>; rel="self"'],
        ['</x>; rel="self"', '</x?after=2>; rel="next"'],
        ['</x>; rel="self", </x?after=2>; title="a, b"; rel=next'],
        ['</x?after=2>; rel="last next"'],
    ],
)
def test_the_next_page_by_the_link_header_wherever_it_stands(server, http_client, links):
    server.script = [(200, b"[1]", *(("Link", one) for one in links)), (200, b"[2]", ("Link", '</x>; rel="prev nextish"'))]

    assert [page.items for page in http_client.pages("/x", lambda found: Page(found.array(), next_link(found)))] == [[1], [2]]
    assert [path for path, _ in server.requests] == ["/x", "/x?after=2"]


def test_an_object_where_a_list_belongs(server, http_client):
    server.script = [(200, b"{}")]

    with pytest.raises(BadAnswer, match="not an array"):
        http_client.get("/x").array()


@pytest.mark.parametrize("fault", [(503, b""), cut], ids=["503", "cut"])
def test_what_may_pass_is_tried_again(server, http_client, fault):
    server.script = [fault, fault, (200, b"[]")]

    assert http_client.get("/x").json() == []
    assert len(server.requests) == 3


def test_a_cut_that_stays_is_no_answer(server, http_client):
    server.script = [cut]

    with pytest.raises(TimedOut, match="no whole answer from Weather to 'list stations'"):
        http_client.get("/x", what="list stations")


def test_nobody_there(waits):
    with (
        Http("http://127.0.0.1:9", "Weather", advice="check WEATHER_URL") as one,
        pytest.raises(TimedOut, match=r"Weather cannot be reached .* check WEATHER_URL"),
    ):
        one.get("/x")


@pytest.mark.parametrize("circle", [["a", "a"], ["a", "b", "a"]], ids=["A A", "A B A B"])
def test_f04_pages_that_lead_in_a_circle_end(server, http_client, circle):
    server.script = [(200, json.dumps({"next": name}).encode()) for name in [*circle, *circle]]

    with pytest.raises(BadAnswer, match="lead in a circle"):
        list(http_client.pages("/x", lambda found: Page((), "/x?page=" + found.object()["next"])))
    assert len(server.requests) <= len(circle) + 1


def test_a_next_page_on_another_host_is_not_followed(server, http_client):
    server.script = [(200, b"{}")]

    with pytest.raises(BadAnswer, match="another host"):
        list(http_client.pages("/x", lambda _: Page((), "http://169.254.169.254/latest/meta-data")))
    assert len(server.requests) == 1


def test_f05_a_drip_is_cut_off_at_the_deadline(server, http_client, monkeypatch):
    """One byte at a time: each read succeeds, the answer does not. The drip has an end, so that a client without a deadline fails here."""
    monkeypatch.setattr(client_module, "ANSWER_TIMEOUT", 0.2)
    gone = threading.Event()

    def drip(handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        handler.close_connection = True
        try:
            for _ in range(1000):
                if gone.wait(0.01):
                    break
                handler.wfile.write(b" ")
        except OSError:
            return

    server.script = [drip]
    try:
        with pytest.raises(TimedOut, match="was not whole"):
            http_client.get("/x")
    finally:
        gone.set()


def test_f08_a_bomb_is_not_unpacked(server, http_client, monkeypatch):
    monkeypatch.setattr(client_module, "MAX_ANSWER", 1024 * 1024)
    server.script = [(200, gzip.compress(b" " * 50_000_000), ("Content-Encoding", "gzip"))]

    with pytest.raises(PageTooLarge, match="larger than 1 MB"):
        http_client.get("/x")


@pytest.mark.parametrize("body", [b"<html>", b'{"a": ', b"[" * 100_000, b"\xff\xfe"], ids=["html", "cut", "deep", "binary"])
def test_f08_what_is_not_json_says_so(server, http_client, body):
    server.script = [(200, body)]

    with pytest.raises(BadAnswer, match="not JSON"):
        http_client.get("/x").json()


def test_a_list_where_an_object_belongs(server, http_client):
    server.script = [(200, b"[]")]

    with pytest.raises(BadAnswer, match="not an object"):
        http_client.get("/x").object()


@pytest.fixture
def strict(monkeypatch):
    """As Python makes its contexts from 3.13 on."""
    made = ssl.create_default_context

    def create(*arguments, **options):
        context = made(*arguments, **options)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", create)


def test_a_private_authority_need_not_be_what_python_now_asks_of_public_ones(strict, authority):
    """That of these tests names no key of its issuer, as many do."""
    server, client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = tls(str(authority.ca)).wrap_bio(server, client, server_hostname="localhost")
    theirs = authority.server_context().wrap_bio(client, server, server_side=True)
    for _ in range(4):
        for side in (ours, theirs):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()

    assert ours.getpeercert()["subject"]
    assert tls().verify_flags & ssl.VERIFY_X509_STRICT, "the system's are checked as Python has it"
