"""Metrics of retention: the time of the start only before its first run; the time of a run also when it deleted nothing."""

from __future__ import annotations

import datetime as dt

from supervisor.metrics import Metrics
from worker.run.queue import Cleaned
from worker.writer.cleanings import Cleanings


def test_before_its_first_run_there_is_no_time():
    metrics, cleanings = Metrics(), Cleanings()
    cleanings.measure(metrics)
    assert cleanings.report() == {"last_run_at": None, "deleted_rows": {}}
    assert [sample[0] for sample in metrics.samples()] == ["retention_started_timestamp"]


def test_a_run_that_deletes_nothing_is_a_run(log_lines):
    cleanings, metrics = Cleanings(), Metrics()
    began = dt.datetime.now(dt.UTC).replace(microsecond=0)
    cleanings.add(Cleaned({"runs": 0, "audit": 0}))
    cleanings.measure(metrics)
    assert dt.datetime.fromisoformat(cleanings.report()["last_run_at"]) >= began
    assert cleanings.report()["deleted_rows"] == {}
    assert [sample[0] for sample in metrics.samples()] == ["retention_started_timestamp", "retention_last_run_timestamp"]
    assert log_lines == []


def test_batches_are_added_up():
    cleanings = Cleanings()
    for rows in ({"runs": 3, "audit": 0}, {"runs": 2, "changes": 7}):
        cleanings.add(Cleaned(rows))
    assert cleanings.report()["deleted_rows"] == {"runs": 5, "changes": 7}
