"""Times are read by the standard library where they are ISO 8601; the same comes of it as of botocore."""

from __future__ import annotations

import datetime as dt

import pytest
from botocore.utils import parse_timestamp
from hypothesis import given
from hypothesis import strategies as st

from providers.aws.client import Sessions
from providers.aws.config import AwsOperator
from providers.aws.timestamps import timestamp

FORMS = (
    "2026-01-31T03:00:00Z",
    "2026-01-31T03:00:00.5Z",
    "2026-01-31T03:00:00.123456789Z",
    "2026-01-31T03:00:00+00:00",
    "2026-01-31T03:00:00.250+0530",
    "2026-01-31T03:00:00",
    "2026-01-31T03:00Z",
    "2026-01-31T03:00:00 Z",
    "2026-01-31",
    "20260131",
    "20260131T030000Z",
    "Sat, 31 Jan 2026 03:00:00 GMT",
    "1769828400",
    "1769828400.25",
    1769828400,
    1769828400.25,
)
WRONG = ("", "never", "2026-13-31T03:00:00Z", "2026-01-31T25:00:00Z", None)


@pytest.mark.parametrize("value", FORMS)
def test_every_form_is_the_time_that_botocore_reads(value):
    expected = parse_timestamp(value)
    found = timestamp(value)
    assert found == expected
    assert found.utcoffset() == expected.utcoffset()


@pytest.mark.parametrize("value", WRONG)
def test_what_is_no_time_is_refused_as_botocore_refuses_it(value):
    with pytest.raises((ValueError, TypeError, RuntimeError)) as theirs:
        parse_timestamp(value)
    with pytest.raises(type(theirs.value)) as ours:
        timestamp(value)
    assert str(ours.value) == str(theirs.value)


@given(st.integers(0, 4_000_000_000_000_000), st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=-7))]))
def test_any_time_is_read_the_same(microseconds, zone):
    moment = dt.datetime.fromtimestamp(0, zone) + dt.timedelta(microseconds=microseconds)
    assert timestamp(moment.isoformat()) == parse_timestamp(moment.isoformat()) == moment


def test_clients_read_times_so():
    sessions = Sessions(AwsOperator(), "us-east-1", 1)
    client = sessions.client(sessions.session(None), "ec2", "us-east-1")
    assert client._endpoint._response_parser_factory.create_parser("ec2")._timestamp_parser is timestamp
