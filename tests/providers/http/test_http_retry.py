"""Waits: bounded by us, told in the log when they are long, and in the sentence when they were in vain."""

from __future__ import annotations

import pytest

from providers.errors import Throttled, TimedOut
from providers.http import retry


def test_case_az_7_a_wait_of_ten_minutes_is_cut_to_ours_and_told(server, http_client, waits, log_lines):
    server.script = [(429, b"", ("Retry-After", "600"))]

    with pytest.raises(Throttled) as raised:
        http_client.get("/x", what="list stations")

    assert waits == [retry.LONGEST_WAIT] * (retry.TRIES - 1)
    assert str(raised.value) == (
        "Weather asks to slow down at 'list stations' (429) (tried 5 times; it asks for a wait of 600 s, and we wait 60 s at most)"
    )
    assert [line["log_level"] for line in log_lines] == ["info"] * (retry.TRIES - 1)
    assert log_lines[0]["event"] == "waiting 60 s for Weather: Weather asks to slow down at 'list stations' (429) (try 1)"


def test_a_short_wait_is_not_worth_a_line(server, http_client, waits, log_lines):
    server.script = [(429, b"", ("Retry-After", "7")), (200, b"{}")]

    http_client.get("/x")

    assert waits == [7.0]
    assert not log_lines


def test_a_quota_that_makes_us_wait_long_is_told_too(server, http_client, waits, log_lines):
    server.script = [(200, b"{}", ("X-Rate-Limit-Remaining", "0"), ("RateLimit-Reset", "30")), (200, b"{}")]

    http_client.get("/x", quota="stations")
    http_client.get("/x", quota="stations")

    assert "the quota 'stations' is nearly used up" in log_lines[0]["event"]


def test_the_sentence_says_how_often_it_was_tried(server, http_client, waits):
    server.script = [(503, b"")]

    with pytest.raises(TimedOut, match=r"answered 503 to 'list stations' \(tried 5 times\)"):
        http_client.get("/x", what="list stations")


def test_what_succeeds_at_last_or_fails_at_once_is_as_it_was(server, http_client, waits):
    server.script = [(503, b""), (404, b"{}")]

    with pytest.raises(Exception, match=r"does not offer 'list stations' \(404\)$"):
        http_client.get("/x", what="list stations")


def test_a_status_that_is_accepted_is_an_answer(server, http_client, waits):
    server.script = [(404, b"{}")]

    assert http_client.send("GET", "/x", accept=(200, 404)).status == 404
