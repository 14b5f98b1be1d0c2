"""Cron expressions: the next time in a time zone, summer time included, and a sentence for what is none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.run import cron

pytestmark = pytest.mark.fast
FRIDAY = datetime(2026, 3, 27, 12, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "timezone", "after", "at"),
    [
        ("0 3 * * *", "UTC", "2026-03-27T12:00", "2026-03-28T03:00"),
        ("0 3 * * *", "Europe/Berlin", "2026-03-27T12:00", "2026-03-28T02:00"),
        ("0 3 * * *", "Europe/Berlin", "2026-03-28T12:00", "2026-03-29T01:00"),  # summer time has begun at 2
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", "2026-03-29T01:00"),  # 2:30 does not exist: 3:00
        ("30 2 * * *", "Europe/Berlin", "2026-03-29T01:00", "2026-03-30T00:30"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", "2026-10-25T00:30"),  # 2:30 is there twice: once
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30", "2026-10-26T01:30"),
        ("0 * * * *", "Europe/Berlin", "2026-10-25T00:00", "2026-10-25T01:00"),  # each hour of it
        ("0 * * * *", "Asia/Kathmandu", "2026-03-27T12:00", "2026-03-27T12:15"),
        ("*/15 9-17 * * MON-FRI", "America/New_York", "2026-03-27T22:00", "2026-03-30T13:00"),
        ("0 0 L * *", "UTC", "2026-03-27T12:00", "2026-03-31T00:00"),
        ("0 0 29 2 *", "UTC", "2026-03-27T12:00", "2028-02-29T00:00"),
        ("0 12 27 3 *", "UTC", "2026-03-27T12:00", "2027-03-27T12:00"),  # after, and not at
        (" 0  3 * * * ", "UTC", "2026-03-27T12:00", "2026-03-28T03:00"),
    ],
)
def test_the_next_time(expression, timezone, after, at):
    assert cron.next_time(expression, timezone, datetime.fromisoformat(after).replace(tzinfo=UTC)).strftime("%Y-%m-%dT%H:%M") == at


@pytest.mark.parametrize(
    ("expression", "timezone", "sentence"),
    [
        ("", "UTC", "has 5 fields, minute hour day month weekday, such as `0 3 * * *`; '' has 0"),
        ("@daily", "UTC", "has 1"),
        ("0 0 3 * * *", "UTC", "has 6"),  # of seconds
        ("60 3 * * *", "UTC", "makes no sense: bad minute"),
        ("0 3 * * FUN", "UTC", "bad day-of-week"),
        ("0 0 30 2 *", "UTC", "bad day-of-month"),
        ("*/0 * * * *", "UTC", "bad minute"),
        ("0 3 " + "9" * 5000 + " * *", "UTC", "at most 100 characters, and not 5008"),
        ("0 3 * * *", "Berlin", "no time zone 'Berlin'; is Europe/Berlin meant?"),
        ("0 3 * * *", "europe/berln", "is Europe/Berlin meant?"),
        ("0 3 * * *", "New York", "is America/New_York meant?"),
        ("0 3 * * *", "", "such as Europe/Berlin or UTC"),
        ("0 3 * * *", "../../etc/passwd", "no time zone '../../etc/passwd'"),
        ("0 3 * * *", "Europe", "no time zone 'Europe'"),  # a folder of the database
        ("0 3 * * *", "a\0b", "no time zone"),
        ("0 3 * * *", "x" * 5000, "no time zone"),
    ],
)
def test_what_makes_no_sense_is_said_in_a_sentence(expression, timezone, sentence):
    with pytest.raises(ValueError, match=r"cron expression|time zone") as refused:
        cron.next_time(expression, timezone, FRIDAY)
    assert sentence in str(refused.value)
    assert len(str(refused.value)) < 300


@given(st.lists(st.text("0123456789*/,-#LWMONabc", min_size=1, max_size=6), min_size=5, max_size=5))
def test_any_five_fields_have_a_time_or_a_sentence(fields):
    try:
        at = cron.next_time(" ".join(fields), "America/Santiago", FRIDAY)
    except ValueError as error:
        assert "cron expression" in str(error)
    else:
        assert at > FRIDAY
        assert cron.explained(" ".join(fields))


def test_an_expression_is_explained():
    assert cron.explained("0 3 * * MON-FRI") == "At 03:00 on Monday through Friday"
