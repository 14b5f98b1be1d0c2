"""What answers say about rate limits, by each vendor's documented headers."""

from __future__ import annotations

import pytest

from providers.http import quota


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": "00:00:05"}, 5.0),
        ({"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": "01:02:03"}, 3723.0),
        ({"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": "nonsense"}, 0.0),
        ({"x-ms-ratelimit-remaining-subscription-reads": "24"}, quota.BUCKET_REFILL),
        ({"x-ms-ratelimit-remaining-tenant-reads": "0"}, quota.BUCKET_REFILL),
        ({"ratelimit-limit": "100", "ratelimit-remaining": "10", "ratelimit-reset": "7"}, 7.0),
    ],
)
def test_a_quota_that_is_nearly_used_up_says_when_it_begins_anew(headers, seconds):
    assert quota.used_up(headers)
    assert quota.window_left(headers) == seconds
    assert quota.asked_wait(headers) == seconds


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-ms-user-quota-remaining": "14", "x-ms-user-quota-resets-after": "00:00:05"},
        {"x-ms-ratelimit-remaining-subscription-reads": "249"},
        {"x-ms-ratelimit-remaining-subscription-reads": "soon"},
        {"ratelimit-limit": "100", "ratelimit-remaining": "11"},
    ],
)
def test_a_quota_with_enough_left_is_not_waited_for(headers):
    assert not quota.used_up(headers)


def test_retry_after_wins_over_the_window_of_the_quota():
    assert quota.asked_wait({"retry-after": "3", "x-ms-user-quota-resets-after": "00:00:30"}) == 3.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after-ms": "250"}, 0.25),
        ({"x-ms-retry-after-ms": "12000"}, 12.0),
        ({"retry-after": "3", "x-ms-retry-after-ms": "12000"}, 3.0),
        ({"x-ms-retry-after-ms": "soon"}, 0.0),
        ({"retry-after": "-1"}, 0.0),
        ({"retry-after": "nan"}, 0.0),
        ({"retry-after": "1e9"}, 0.0),
        ({"retry-after": "٧"}, 0.0),
    ],
)
def test_the_wait_that_an_answer_asks_for(headers, seconds):
    assert quota.asked_wait(headers) == seconds


@pytest.mark.parametrize("date", ["Fri, 31 Dec 99999 23:59:59 GMT", "1 Jan 99999999999999999999 00:00:00", "soon"])
def test_a_date_of_no_calendar_asks_for_no_wait_and_is_no_crash(date):
    assert quota.asked_wait({"retry-after": date}) == 0.0
    assert quota.asked_wait({"x-rate-limit-reset": "1", "date": date}) == 0.0
