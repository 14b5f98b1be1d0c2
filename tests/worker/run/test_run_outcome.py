"""The table of outcomes: what the pipe said, how the process ended, which verdict is recorded."""

from __future__ import annotations

import itertools

import pytest

from providers.errors import Outcome
from supervisor.messages import Cause, Exited
from worker.run import wire
from worker.run.outcome import Received, Status, judge, left_open

NOTHING = Received()
COMPLETE = Received(complete=True, outcomes={"complete": 3})
SOME_DENIED = Received(complete=True, outcomes={"complete": 3, "denied": 2, "throttled": 1})
FAILED = Received(failed=wire.Failed(error_kind="credentials", message="the key is expired", detail="403"))
BROKEN = Received(complete=True, broken="a RECORDS frame came after COMPLETE, which is the last one")

OK = {"cause": Cause.EXITED, "exit_code": 0}
BAD = {"cause": Cause.EXITED, "exit_code": 1}

TABLE = [
    ("completed", COMPLETE, OK, "completed", ""),
    ("no scope at all", Received(complete=True), OK, "completed", ""),
    ("one scope short", SOME_DENIED, OK, "partial", ""),
    (
        "a scope that the source does not offer",
        Received(complete=True, outcomes={"complete": 3, "unsupported": 2, "skipped": 1}),
        OK,
        "completed",
        "",
    ),
    ("COMPLETE, then more or twice", BROKEN, OK, "error", "protocol"),
    ("exit 0 without COMPLETE", NOTHING, OK, "error", "protocol"),
    ("exit 1 after COMPLETE", COMPLETE, BAD, "error", "crashed"),
    ("exit 1 without COMPLETE", NOTHING, BAD, "error", "crashed"),
    ("FAILED, exit 1", FAILED, BAD, "error", "credentials"),
    ("FAILED, exit 0", FAILED, OK, "error", "credentials"),
    ("FAILED, then killed", FAILED, {"cause": Cause.TIMEOUT}, "error", "credentials"),
    ("killed mid frame", NOTHING, {"cause": Cause.SIGNALLED, "signal": "SIGKILL"}, "error", "crashed"),
    ("COMPLETE, then killed by us", COMPLETE, {"cause": Cause.TIMEOUT}, "error", "timeout"),
    ("COMPLETE, then segfault", COMPLETE, {"cause": Cause.SIGNALLED, "signal": "SIGSEGV"}, "error", "crashed"),
    ("garbage", Received(broken="a frame claims 4294967295 bytes"), {"cause": Cause.PROTOCOL}, "error", "protocol"),
    ("garbage seen by the supervisor", NOTHING, {"cause": Cause.PROTOCOL}, "error", "protocol"),
    ("wall clock", NOTHING, {"cause": Cause.TIMEOUT}, "error", "timeout"),
    ("idle clock", NOTHING, {"cause": Cause.IDLE}, "error", "idle"),
    ("start clock", NOTHING, {"cause": Cause.START}, "error", "crashed"),
    ("memory", NOTHING, {"cause": Cause.MEMORY}, "error", "memory"),
    ("lease", NOTHING, {"cause": Cause.LOST}, "error", "lost"),
    ("writer gone", NOTHING, {"cause": Cause.WRITER}, "error", "internal"),
    ("cancelled", COMPLETE, {"cause": Cause.CANCELLED}, "cancelled", ""),
    ("cancelled while it broke the protocol", BROKEN, {"cause": Cause.CANCELLED}, "cancelled", ""),
    ("shutdown", NOTHING, {"cause": Cause.SHUTDOWN}, "released", ""),
    ("no process, thread or descriptor", NOTHING, {"cause": Cause.RESOURCES}, "released", ""),
    ("shutdown after FAILED", FAILED, {"cause": Cause.SHUTDOWN}, "released", ""),
]


@pytest.mark.parametrize(("received", "died", "status", "kind"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_c10_table(received, died, status, kind):
    verdict = judge(received, Exited(run="1", **died))

    assert (verdict.status, verdict.error_kind) == (status, kind)
    assert bool(verdict.error) == (status in {"partial", "error", "cancelled"})


def test_success_needs_complete_and_exit_code_0():
    """Checks every combination."""
    for received, cause, code in itertools.product((NOTHING, COMPLETE, SOME_DENIED, FAILED, BROKEN), Cause, (None, 0, 1, 255)):
        verdict = judge(received, Exited(run="1", cause=cause, exit_code=code))

        said_so = received in (COMPLETE, SOME_DENIED)
        assert (verdict.status in {Status.COMPLETED, Status.PARTIAL}) == (said_so and cause is Cause.EXITED and code == 0)


def test_words():
    assert judge(SOME_DENIED, Exited(run="1", **OK)).error == "3 of 6 scopes were not read in full: 2 denied, 1 throttled"
    assert judge(FAILED, Exited(run="1", **BAD)).error == "the key is expired"
    assert "exit code 1" in judge(NOTHING, Exited(run="1", **BAD)).error
    assert judge(NOTHING, Exited(run="1", cause=Cause.IDLE, sentence="nothing for 300 s")).error == "nothing for 300 s"


def test_scopes_left_open():
    assert left_open(judge(NOTHING, Exited(run="1", cause=Cause.TIMEOUT))) is Outcome.TIMEOUT
    assert left_open(judge(NOTHING, Exited(run="1", cause=Cause.MEMORY))) is Outcome.ERROR
    assert left_open(judge(NOTHING, Exited(run="1", cause=Cause.CANCELLED))) is Outcome.SKIPPED
