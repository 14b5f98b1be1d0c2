"""The client of the Elder API, against a scripted server."""

from __future__ import annotations

import json

import msgspec
import pytest
from peers import serving

from providers.http import retry
from providers.records import Organization, Resource, Scope
from worker.run import wire
from worker.sync.client import ApiError, ElderApi
from worker.sync.messages import Batch, Rejected, ScopeClosed, ScopeOpened

SCOPE = Scope("ldap", "dc=example", "", "user")


class Script:
    """A server that answers with the entries of `script` in turn, and records the requests."""

    def __init__(self):
        self.script, self.requests, self.url = [], [], ""


class Handler(serving.Handler):
    """Answers with the next entry of a script; status 0 cuts the connection."""

    server_script: Script

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server_script.requests.append((self.command, self.path, dict(self.headers), json.loads(body) if body else None))
        status, answer, *headers = self.server_script.script.pop(0)
        if status == 0:
            self.close_connection = True
            self.connection.shutdown(2)
            return
        self.answer(status, answer, headers)

    do_POST = do_GET


@pytest.fixture
def server():
    one = Script()
    with serving.serving(Handler, server_script=one) as one.url:
        yield one


@pytest.fixture
def client(server, monkeypatch):
    monkeypatch.setattr(retry, "wait", lambda seconds: None)
    client = ElderApi(server.url, "s3cret", retries=2)
    yield client
    client.close()


def batch():
    raw = msgspec.Raw(wire.encode_resource(Resource("uid=ann", "user", "user", "Ann")))
    return Batch("connector:ldap", "r1", SCOPE, [Organization("o", "O")], [raw])


def test_calls(server, client):
    server.script = [
        (200, {"fingerprints": "AQAAAAAAAAACAAAAAAAAAA==", "count": 1}),
        (200, {"created": 1, "updated": 0, "unchanged": 0, "rejected": [{"external_id": "x", "reason": "too large"}]}),
        (200, {"deleted": 2, "held_back": 1}),
        (200, {"status": "ok"}),
    ]

    assert client.fingerprints("connector:ldap", SCOPE).fingerprints == b"\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0"
    assert client.store(batch()).rejected == [Rejected("x", "too large")]
    assert client.close_scope(ScopeClosed("connector:ldap", "r1", SCOPE, "complete", 1, unseen=b"\0" * 8)).held_back == 1
    client.check()

    (_, path, headers, _), (_, _, _, sent), (_, _, _, closed), _ = server.requests
    assert (
        path == "/api/v1/sync/fingerprints?owner=connector%3Aldap&provider=ldap&account=dc%3Dexample&region=&resource_type=user&coverage="
    )
    assert headers["Authorization"] == "Bearer s3cret"
    assert sent["resources"] == [["uid=ann", "user", "user", "Ann", {}, {}, [], "", "", "", False]]
    assert sent["scope"] == ["ldap", "dc=example", "", "user", ""]
    assert closed["unseen"] == "AAAAAAAAAAA="


def test_the_beginning_of_a_scope_is_told_and_an_older_api_is_only_asked_for_the_fingerprints(server, client):
    known = {"fingerprints": "AQAAAAAAAAACAAAAAAAAAA==", "count": 1}
    server.script = [(200, known), (404, {"error": "there is nothing here"}), (200, known), (403, {"error": "no"})]
    opened = ScopeOpened("connector:ldap", "r1", SCOPE)

    assert [client.begin_scope(opened).count for _ in range(2)] == [1, 1]
    with pytest.raises(ApiError, match="refuses the worker"):
        client.begin_scope(opened)

    told, refused, asked, last = server.requests
    assert [one[1].partition("?")[0].removeprefix("/api/v1/sync/") for one in (told, refused, asked, last)] == [
        "scopes/begin", "scopes/begin", "fingerprints", "scopes/begin",
    ]  # fmt: skip
    assert told[3] == {"owner": "connector:ldap", "run": "r1", "scope": ["ldap", "dc=example", "", "user", ""]}


@pytest.mark.parametrize("fault", [(503, {}), (429, {}, ("Retry-After", "1000000000")), (0, None)], ids=["503", "429", "cut"])
def test_what_may_pass_is_tried_again(server, client, fault):
    server.script = [fault, fault, (200, {"created": 1})]

    assert client.store(batch()).created == 1
    assert len(server.requests) == 3


def test_in_the_end_it_says_why(server, client):
    server.script = [(503, {"error": "no database"})] * 3

    with pytest.raises(ApiError, match="answered 503: no database"):
        client.store(batch())


@pytest.mark.parametrize(
    ("status", "answer", "sentence"),
    [
        (401, {}, "check ELDER_API_KEY"),
        (400, {"error": "unknown key `x`"}, "unknown key `x`"),
        (302, b"elsewhere", "answered 302"),
        (200, b"<html>", "makes no sense"),
    ],
)
def test_what_will_not_pass_is_not_tried_again(server, client, status, answer, sentence):
    server.script = [(status, answer)]

    with pytest.raises(ApiError, match=sentence) as raised:
        client.store(batch())
    assert raised.value.final
    assert "s3cret" not in str(raised.value)
    assert len(server.requests) == 1


def test_nobody_there():
    client = ElderApi("http://127.0.0.1:9", "s3cret", retries=0)

    with pytest.raises(ApiError, match=r"cannot be reached .* check ELDER_API_URL"):
        client.check()
