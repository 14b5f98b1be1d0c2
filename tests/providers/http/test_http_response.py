"""A success that is an error document is no answer."""

from __future__ import annotations

import json

import pytest

from providers.errors import BadAnswer
from providers.http.response import HttpResponse


@pytest.mark.parametrize("error", [{"code": 403, "message": "denied"}, "denied", None, []])
def test_a_success_that_holds_an_error_alone_is_an_error(error):
    answer = HttpResponse(200, {}, json.dumps({"error": error}).encode(), "https://api.example/v1/things")
    with pytest.raises(BadAnswer, match="answered 200 with an error"):
        answer.object()


@pytest.mark.parametrize(("status", "body"), [(200, {"error": None, "items": []}), (200, {}), (403, {"error": {"code": 403}})])
def test_other_objects_are_taken_as_they_are(status, body):
    assert HttpResponse(status, {}, json.dumps(body).encode(), "https://api.example/").object() == body
