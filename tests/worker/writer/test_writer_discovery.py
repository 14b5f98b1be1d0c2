"""The main thread's side of a run whose outcome is stored after its end."""

from __future__ import annotations

import os

import pytest

from supervisor import published
from worker.check.inventory import NullInventory
from worker.run.outcome import Status, Verdict
from worker.run.queue import Claimed
from worker.run.unstored import UnstoredOutcomes
from worker.writer.discovery import Discovery
from worker.writer.dispatcher import Limits
from worker.writer.launch import Launch

JOB = Claimed(7, 70, 3, "job", "aws", {})
COMPLETED = Verdict(Status.COMPLETED, stored=False, confirmed=500)
LOST = Verdict(Status.ERROR, "database", "the database has lost what it had confirmed")


class Parts:
    """What stands around the service: it starts runs, counts them, builds their start, and is the backlog and its database."""

    def __init__(self, answer):
        """`answer` is what the database says when an outcome is stored later."""
        self.assignment, self.counted, self.finished, self._answer = None, [], [], answer

    def job(self, *_arguments, **_named):
        return Launch(b'{"run":"70","kind":"discovery","provider":"aws","config":{}}', ())

    def start(self, assignment):
        self.assignment = assignment

    def count(self, run, verdict, provider):
        self.counted.append((run, verdict.status, provider))

    def __len__(self):
        return 0

    def finish(self, job, verdict, owner=""):
        self.finished.append((job.run_id, verdict.status, verdict.confirmed, owner))
        return self._answer

    def defer(self, write, then=lambda _: None):
        then(write(self))

    def forget(self, run):
        pass


@pytest.fixture
def memory():
    fd = published.create()
    yield fd
    os.close(fd)


def service(parts, memory, owner="this writer"):
    one = Discovery(parts, parts, lambda _: NullInventory(), Limits(60, 60, 100), once=True, unstored=UnstoredOutcomes(owner, memory))
    one.attach(parts)
    return one


@pytest.mark.parametrize(
    ("answer", "counted", "failed", "refused"),
    [
        (COMPLETED, [("70", Status.COMPLETED, "aws")], 0, 0),
        (LOST, [("70", Status.ERROR, "aws")], 1, 0),
        (None, [], 0, 1),
    ],
)
def test_a_run_that_is_stored_late_counts_as_it_is_stored(memory, log_lines, answer, counted, failed, refused):
    parts = Parts(answer)
    discovery = service(parts, memory)
    discovery.claimed(JOB, 30.0)
    parts.assignment.ended(COMPLETED, {"pid": 1, "cause": "exited", "seconds": 1.0})
    discovery.nothing_due()

    assert parts.finished == [(70, Status.COMPLETED, 500, "")]
    assert (parts.counted, discovery.exit_code, discovery.refused_writes) == (counted, failed, refused)
    assert any("lost what it had confirmed" in str(line) for line in log_lines) == bool(failed)
    assert UnstoredOutcomes("next writer", memory).left == ()


def test_what_an_earlier_writer_left_counts_as_it_is_stored(memory, log_lines):
    UnstoredOutcomes("earlier writer", memory).keep(JOB, COMPLETED)
    parts = Parts(LOST)
    service(parts, memory)
    assert parts.finished == [(70, Status.COMPLETED, 500, "earlier writer")]
    assert parts.counted == [("70", Status.ERROR, "aws")]
    assert any("lost what it had confirmed" in str(line) for line in log_lines)
