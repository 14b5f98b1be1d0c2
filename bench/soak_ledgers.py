"""The part of ``make soak`` that fills the history of a year: a job of 500 scopes that runs every five minutes."""

from __future__ import annotations

from unittest import mock

from bench.part import Row, allowance
from bench.soak_database import database
from worker.store import ledger_chains, retention
from worker.store.connection import Connection, connect

SCOPES, RUNS_A_DAY = 500, 288
TARGET_MB = 200.0
"""Megabytes that a year may take."""

STEADY_FROM = 30
"""Days from which on the pace is measured; a run of fewer counts the room of the first ones, and says too much."""

JOB = """
insert into discovery_jobs (id, name, provider, config, status, next_run_at, schedule_interval)
values (1, 'every five minutes', 'aws', '{}', 'completed', now() + interval '1 day', 300)
"""
PLAN = """
insert into elder_worker.scopes (id, owner, provider, account, region, resource_type, last_outcome, last_attempt_at, last_complete_at, entities)
select n, 'job:1', 'aws', '123456789012', 'region-' || n %% 17, 'ec2_type_' || n %% 37, 'complete', now(), now(), 40 from generate_series(1, %s) as n
"""
DAY = """
with run as (
    insert into discovery_history (job_id, status, entities_discovered, scopes_planned, worker, started_at, completed_at)
    select 1, 'completed', 40 * %(scopes)s, %(scopes)s, 'worker-1', at, at + interval '40 s'
    from (select now() - make_interval(days => %(ago)s) + (n - 0.5) * interval '1 day' / %(runs)s as at from generate_series(1, %(runs)s) as n) as t
    returning id
)
insert into run_scopes (run_id, scope_id, provider, account, region, resource_type, outcome, resources)
select run.id, s.id, s.provider, s.account, s.region, s.resource_type, 'complete', 40 + (s.id = run.id %% %(scopes)s + 1)::integer
from run cross join elder_worker.scopes s
"""
"""The runs of one day, each with a line for each scope: one scope in turn has a resource more, so two lines differ from the run before."""

TABLES = ("discovery_history", "run_scopes", "elder_worker.ledger_lines", "elder_worker.run_counts")


def ledgers(days: int) -> list[Row]:
    """Fills so many days, one after the other, each with the retention of its evening; all runs are kept."""
    with database() as url, connect(url) as connection:
        empty = _megabytes(connection)
        connection.execute(JOB)
        connection.execute(PLAN, [SCOPES])
        filled, first = 0, 0.0
        for day in allowance.numbers(days):
            connection.execute(DAY, {"scopes": SCOPES, "runs": RUNS_A_DAY, "ago": days - day})
            _clean(connection, 24 * (days - day))
            filled = day + 1
            if filled == STEADY_FROM:
                first = _megabytes(connection) - empty
        grown = _megabytes(connection) - empty
        [(runs, lines, kept)] = connection.execute(
            "select (select count(*) from discovery_history), (select count(*) from run_scopes), (select count(*) from elder_worker.ledger_lines)"
        ).fetchall()
    pace = (grown - first) / (filled - STEADY_FROM) if filled > STEADY_FROM else grown / filled
    year = grown + pace * (365 - filled)
    what = f"{filled} days of a job of {SCOPES} scopes every five minutes: {runs:,} runs, {lines:,} lines of the last day, {kept:,} of the days before"
    return [Row(what, f"{grown:.0f} MB, {year:.0f} MB for a year at that pace", f"<= {TARGET_MB:.0f} MB", year <= TARGET_MB)]


def _clean(connection: Connection, hours: int) -> None:
    """Runs the worker's retention as of a day's end, so many hours ago, to its end; then vacuums, as autovacuum does."""
    with mock.patch.object(ledger_chains, "HOURS", hours):
        while retention.clean(connection, retention.Kept()).more:
            pass
    for table in TABLES:
        connection.execute(f"vacuum {table}")


def _megabytes(connection: Connection) -> float:
    connection.execute("vacuum")
    [size] = connection.execute("select pg_database_size(current_database())").fetchone() or (0,)
    return float(size) / 1_000_000
