"""Counts by day: how runs ended, and the number of entities reckoned back from today."""

from __future__ import annotations

import datetime as dt
import statistics

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_runs import add_job, resources, run_once

from worker.store import daily
from worker.store.connection import connect


def today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


def add_runs(sql, job: int, *runs: tuple[int, str, float]) -> None:
    """Stores runs that have ended: days ago, status, seconds."""
    began = "date_trunc('day', now() at time zone 'UTC') at time zone 'UTC' - %s * interval '1 day' + interval '1 second'"
    for days, status, took in runs:
        sql.execute(
            "insert into discovery_history (job_id, status, started_at, completed_at) "
            f"values (%s, %s, {began}, {began} + %s * interval '1 second')",
            [job, status, days, days, took],
        )


def test_runs_are_counted_by_day_and_status(database, sql):
    add_runs(sql, add_job(sql), (0, "completed", 10), (0, "completed", 30), (0, "error", 2), (1, "partial", 5), (40, "completed", 1))
    with connect(database) as connection:
        days = daily.runs(connection, 3)

    assert [day.day for day in days] == [today() - dt.timedelta(days=before) for before in (2, 1, 0)]
    assert [day.runs for day in days] == [{}, {"partial": 1}, {"completed": 2, "error": 1}]


def test_entities_of_the_past_are_reckoned_from_what_came_and_went(database, sql):
    job = add_job(sql)
    run_once(database, job, resources(10))
    run_once(database, job, resources(8))
    sql.execute("update elder_worker.created set created_at = created_at - interval '2 days'")
    sql.execute("insert into entity_changes (entity_id, operation) select id, 'updated' from entities")

    with connect(database) as connection:
        days = daily.entities(connection, 4, 8)

    assert [day.entities for day in days] == [0, 10, 10, 8]
    assert days[-1].day == today()


def test_durations_are_known_by_day_and_by_provider(database, sql):
    add_runs(sql, add_job(sql), (0, "completed", 10), (0, "completed", 30), (0, "error", 2), (2, "partial", 5), (40, "completed", 999))
    add_runs(sql, add_job(sql, name="cluster", provider="kubernetes"), (0, "completed", 3600), (2, "cancelled", 0))

    with connect(database) as connection:
        found = daily.durations(connection, 3)
        assert daily.durations(connection, 50).whole.longest == 999 + 2601

    assert [day for day, _ in found.days] == [today() - dt.timedelta(days=before) for before in (2, 1, 0)]
    assert [took and tuple(took) for _, took in found.days] == [(2, 2.5, 2.5, 5.0), None, (4, 910.5, 20.0, 3600.0)]
    assert {name: tuple(took) for name, took in found.providers.items()} == {
        "aws": (4, 11.75, 7.5, 30.0),
        "kubernetes": (2, 1800.0, 1800.0, 3600.0),
    }
    assert tuple(found.whole) == (6, 3647 / 6, 7.5, 3600.0)


def test_no_run_has_no_duration(database, sql):
    add_job(sql)
    with connect(database) as connection:
        found = daily.durations(connection, 2)
    assert (found.whole, [took for _, took in found.days], found.providers) == (None, [None, None], {})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(took=st.lists(st.floats(0.01, 100_000), min_size=1, max_size=30))
def test_a_median_by_steps_is_at_most_9_percent_beside_the_true_one(database, sql, took):
    sql.execute("delete from elder_worker.run_durations")
    add_runs(sql, add_job(sql), *((0, "completed", seconds) for seconds in took))
    with connect(database) as connection:
        whole = daily.durations(connection, 1).whole
    assert whole.median == pytest.approx(statistics.median(took), rel=2 ** (1 / 8) - 1 + 1e-4, abs=1e-5)
    assert whole.longest == pytest.approx(max(took), abs=1e-5)
