"""Counts by day: how runs ended, and the number of entities reckoned back from today."""

from __future__ import annotations

import datetime as dt

from store_runs import add_job, resources, run_once

from worker.store import daily
from worker.store.connection import connect


def today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


def test_runs_are_counted_by_day_and_status_with_what_they_took(database, sql):
    job = add_job(sql)
    sql.execute(
        "insert into discovery_history (job_id, status, started_at, completed_at) "
        "select %s, status, date_trunc('day', now() at time zone 'UTC') at time zone 'UTC' - day * interval '1 day' + interval '1 second', "
        "date_trunc('day', now() at time zone 'UTC') at time zone 'UTC' - day * interval '1 day' + interval '1 second' + took * interval '1 second' "
        "from (values (0, 'completed', 10), (0, 'completed', 30), (0, 'error', 2), (1, 'partial', 5), (40, 'completed', 1)) v (day, status, took)",
        [job],
    )
    with connect(database) as connection:
        days = daily.runs(connection, 3)

    assert [day.day for day in days] == [today() - dt.timedelta(days=before) for before in (2, 1, 0)]
    assert [day.runs for day in days] == [{}, {"partial": 1}, {"completed": 2, "error": 1}]
    assert [day.seconds for day in days] == [0.0, 5.0, 14.0]


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
