"""A success that is an error document is not an answer; a refusal is told in the source's own words, or as somebody else's."""

from __future__ import annotations

import json

import pytest

from providers.errors import BadAnswer, Denied, ScopeError, TimedOut, Unsupported
from providers.http.response import SAID, HttpResponse, refusal


@pytest.mark.parametrize("error", [{"code": 403, "message": "denied"}, "denied", None, []])
def test_a_success_that_holds_an_error_alone_is_an_error(error):
    answer = HttpResponse(200, {}, json.dumps({"error": error}).encode(), "https://api.example/v1/things")
    with pytest.raises(BadAnswer, match="answered 200 with an error"):
        answer.object()


@pytest.mark.parametrize(("status", "body"), [(200, {"error": None, "items": []}), (200, {}), (403, {"error": {"code": 403}})])
def test_other_objects_are_taken_as_they_are(status, body):
    assert HttpResponse(status, {}, json.dumps(body).encode(), "https://api.example/").object() == body


FOREIGN = [b"<html><title>404 Not Found</title></html>", b"", b"404 page not found", b"\n <!DOCTYPE html>", b"[]", b"\xff\xfe"]
"""Bodies of proxies, load balancers and firewalls."""


def refused(status: int, body: bytes | dict) -> ScopeError:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    error = refusal("Weather", HttpResponse(status, {}, content, "https://weather.example/"), "list stations", "stations.read")
    assert isinstance(error, ScopeError)
    return error


@pytest.mark.parametrize("body", FOREIGN)
@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_404_that_is_not_the_sources_own_does_not_say_that_there_is_nothing(status, body):
    error = refused(status, body)
    assert type(error) is BadAnswer
    assert f"answered {status} by something that is not Weather" in str(error)
    assert type(refused(status, {"message": "no such thing"})) is Unsupported


@pytest.mark.parametrize("body", [one for one in FOREIGN if one.lstrip().startswith(b"<")])
def test_a_403_of_a_firewall_names_no_permission_of_the_source(body):
    error = refused(403, body)
    assert isinstance(error, Denied)
    assert (error.permission, "a firewall" in str(error), "stations.read" in str(error)) == ("", True, False)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"code": "Denied", "message": "blocked by\n Conditional Access"}}, "blocked by Conditional Access"),
        ({"errorCode": "E0000022", "errorSummary": "not for this network zone"}, "not for this network zone"),
        ({"detail": "You do not have permission."}, "You do not have permission."),
        ({"error": "invalid_request", "error_description": "the account is paused"}, "the account is paused"),
        ({"error": "paused", "status": 400}, "paused"),
        ({"message": "x" * 1000}, "x" * SAID),
    ],
)
@pytest.mark.parametrize(("status", "kind"), [(400, ScopeError), (403, Denied), (404, Unsupported), (409, ScopeError), (503, TimedOut)])
def test_a_refusal_ends_with_the_sources_own_words(status, kind, body, words):
    error = refused(status, body)
    assert type(error) is kind
    assert str(error).endswith(f" (it says: {words})")


@pytest.mark.parametrize("body", [{}, {"error": None}, {"message": ["x"]}, {"detail": " "}])
def test_a_refusal_without_words_has_none(body):
    assert "it says" not in str(refused(403, body))
