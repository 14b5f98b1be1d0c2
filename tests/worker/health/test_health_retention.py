"""Retention in /status and the metrics of a whole worker: when it last ran, and how many rows it has deleted."""

from __future__ import annotations

import datetime as dt
import re

from peers.service import Part, get

LAST_RUN = r"^retention_last_run_timestamp ([\d.e+]+)$"


def deleted(retention: dict) -> dict | None:
    """What /status says of retention, once it has deleted something."""
    return retention if retention.get("deleted_rows") else None


def test_status_and_metrics_say_when_retention_last_ran_and_what_it_deleted(database, sql, tmp_path):
    sql.execute(
        "insert into audit_log (at, actor, action, object)"
        " select now() - make_interval(days => 800 * (n % 2)), 'test', 'job.update', n::text from generate_series(1, 10) n order by n % 2 desc"
    )
    began = dt.datetime.now(dt.UTC).replace(microsecond=0)
    worker = Part(tmp_path / "worker.log", "run", {"DATABASE_URL": database}, "HEALTH_CHECK_PORT")
    try:
        retention = worker.wait(lambda: deleted((get(f"{worker.url}/status") or {}).get("retention") or {}), "nothing is deleted")
        metrics = get(f"{worker.url}/metrics")
    finally:
        worker.stop()

    assert (retention["deleted_rows"], retention["days"]["audit"]) == ({"audit": 5}, 730)
    assert began <= dt.datetime.fromisoformat(retention["last_run_at"]) <= dt.datetime.now(dt.UTC)
    assert 'retention_deleted_rows_total{what="audit"} 5.0' in metrics
    assert began.timestamp() <= float(re.search(LAST_RUN, metrics, re.MULTILINE)[1]) <= dt.datetime.now(dt.UTC).timestamp()
    assert sql.execute("select count(*) from audit_log where object ~ '^\\d+$'").fetchone() == (5,)
