"""Outcomes that wait for the database outlive the writer that keeps them."""

from __future__ import annotations

import os

import msgspec
import pytest

from supervisor import published
from worker.run.outcome import RunLog, Status, Verdict
from worker.run.queue import Claimed
from worker.run.unstored import UnstoredOutcomes

JOB = Claimed(7, 70, 3, "job", "aws", {"secret_access_key": "sealed"}, organization_id=1, attempt=2)
CRASHED = Verdict(Status.ERROR, "crashed", "the job's process crashed (exit code 3)", "last words", confirmed=500)


@pytest.fixture
def memory():
    fd = published.create()
    yield fd
    os.close(fd)


def test_the_next_writer_finds_what_an_earlier_one_kept(memory):
    first = UnstoredOutcomes("first", memory)
    assert first.left == ()
    first.keep(JOB, CRASHED)
    [left] = UnstoredOutcomes("second", memory).left

    assert (left.owner, left.verdict) == ("first", CRASHED)
    assert (left.claimed.job_id, left.claimed.run_id, left.claimed.token, left.claimed.attempt) == (7, 70, 3, 2)
    assert left.claimed.config == {}, "a job's config holds secrets"


def test_the_log_of_a_run_is_not_kept_in_the_memory(memory):
    logged = msgspec.structs.replace(CRASHED, log=RunLog([("t", "info", "sdk", "text")]))
    UnstoredOutcomes("first", memory).keep(JOB, logged)
    assert UnstoredOutcomes("second", memory).left[0].verdict == CRASHED


def test_what_is_stored_is_forgotten_and_what_a_third_writer_finds_bears_its_own_owner(memory):
    UnstoredOutcomes("first", memory).keep(JOB, CRASHED)
    second = UnstoredOutcomes("second", memory)
    second.keep(Claimed(8, 80, 1, "job", "aws", {}), Verdict(Status.COMPLETED))
    assert [one.owner for one in UnstoredOutcomes("third", memory).left] == ["first", "second"]
    second.drop(70)
    second.drop(70)
    assert [one.claimed.run_id for one in UnstoredOutcomes("third", memory).left] == [80]
    second.drop(80)
    assert UnstoredOutcomes("third", memory).left == ()


def test_memory_that_is_full_is_told_and_ends_nothing(memory, monkeypatch, log_lines):
    def full(*_):
        raise OSError(28, "No space left on device")

    kept = UnstoredOutcomes("first", memory)
    monkeypatch.setattr(os, "pwrite", full)
    kept.keep(JOB, CRASHED)
    monkeypatch.undo()
    assert any("No space left on device" in str(line) for line in log_lines)
    assert UnstoredOutcomes("second", memory).left == ()


def test_memory_that_nobody_can_read_is_told_and_ends_nothing(memory, log_lines):
    published.PublishedState(memory).write(b'[{"owner": 1}]')
    assert UnstoredOutcomes("second", memory).left == ()
    assert any("end as lost" in str(line) for line in log_lines)


def test_without_memory_nothing_is_kept():
    kept = UnstoredOutcomes()
    kept.keep(JOB, CRASHED)
    assert kept.left == ()
