"""What `make soak` does for an hour, here for seconds: the same parts, at a small scale. What is a matter of speed is not judged here."""

from __future__ import annotations

import pytest

from bench import soak, soak_streams


def small(part: str, count: int) -> None:
    """Every promise that is not one of speed is held."""
    rows = soak.run(part, count / soak.PARTS[part][1])
    broken = [row for row in rows if not (row.held or row.timed)]
    assert not broken, rows


def test_a01_kills_of_jobs_that_do_their_worst():
    small("kills", 8)


def test_a13_deadlines_at_once():
    small("at_once", 8)


def test_a16_races_of_success_and_deadline():
    small("races", 30)


def test_a17_starts_and_kills():
    small("cycles", 40)


def test_b02_supervisor_killed_while_it_spawns():
    small("orphaned", 4)


def test_b15_a_week_in_short():
    small("week", 30)


@pytest.mark.timeout(600)
def test_c02_streams_beside_deaths_in_a_frame(monkeypatch):
    monkeypatch.setattr(soak_streams, "SECONDS", 0.5)  # how fast they are is not judged here
    small("neighbours", 1)


def test_c04_fuzzed_frames():
    small("fuzz", 2000)
