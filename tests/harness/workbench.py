"""A database with jobs in it, and whole workers on it."""

from __future__ import annotations

import psycopg
from psycopg.types.json import Jsonb
from waiting import until
from workers import Worker


class Workbench:
    """A database, and workers on it."""

    def __init__(self, url, folder):
        self.url, self.folder, self.workers = url, folder, []
        self.sql = psycopg.connect(url, autocommit=True, prepare_threshold=None)  # a migration changes the columns of what it asks for
        self.organization = self.one("insert into organizations (name) values ('Test') returning id")

    def rows(self, query, *values):
        cursor = self.sql.execute(query, values)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def one(self, query, *values):
        row = self.sql.execute(query, values).fetchone()
        return row[0] if row else None

    def job(self, interval=None, provider="hostile", **config):
        number = self.one(
            "insert into discovery_jobs (name, provider, config, organization_id, schedule_interval) values ('job', %s, %s, %s, %s) returning id",
            provider,
            Jsonb(config),
            self.organization,
            interval,
        )
        self.sql.execute("select pg_notify('elder_worker', 'job')")
        return number

    def queue(self, job):
        self.sql.execute("update discovery_jobs set next_run_at = now(), queued_at = now() where id = %s", [job])
        self.sql.execute("select pg_notify('elder_worker', 'job')")

    def worker(self, once=False, job=None, options=None, **settings):
        settings = {"database_url": self.url, "log_format": "text", "discovery_job_memory_mb": 300} | settings
        self.workers.append(Worker(self.folder, settings, once=once, job=job, **(options or {})))
        return self.workers[-1]

    def runs(self, job):
        return self.rows("select * from discovery_history where job_id = %s and status <> 'running' order by id", job)

    def ended(self, job, count=1):
        """Waits for a run's end and returns its row."""
        return until(lambda: len(runs := self.runs(job)) >= count and runs[-1], f"run {count} of job {job}")

    def await_fault(self, behaviour):
        """Waits until a job's fault has begun, which it says in the log; a job that did well before has said so there too."""
        until(lambda: any(f"told {behaviour} " in worker.log.read_text(errors="replace") for worker in self.workers), f"told {behaviour}")

    def scopes(self, run):
        return {row["region"]: row for row in self.rows("select * from run_scopes where run_id = %s", run["id"])}

    def entities(self, active=True):
        return self.one("select count(*) from entities where is_active = %s", active)
