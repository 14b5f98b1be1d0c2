"""The database as the chaos sees it: it makes the jobs, queues them again and again, and counts what is stored in the end."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
from psycopg.types.json import Jsonb

from bench.chaos.source import JOBS_IN_ORGANIZATION, REGIONS, ChaosConfig, resources
from worker.store import jobs
from worker.store.connection import Connection, connect
from worker.store.errors import StoreError

QUEUED_AT_LEAST = 12
"""Due jobs: more than both workers can run at once."""

CANCELLED = 0.02
"""Share of the turns in which a person cancels a job as well."""

ResultT = TypeVar("ResultT")

AUDIT = """
create table chaos_ended_twice (run bigint, was text, became text);
create function chaos_audit() returns trigger language plpgsql as $$ begin
    insert into chaos_ended_twice values (old.id, old.status || ' ' || old.completed_at, new.status || ' ' || new.completed_at);
    return new;
end $$;
create trigger chaos_audit after update on discovery_history for each row
when (old.status <> 'running' and (old.status, old.error_kind, old.completed_at) is distinct from (new.status, new.error_kind, new.completed_at))
execute function chaos_audit();
"""


LONGEST_OUTAGE = 600.0
"""Seconds until a statement is given up: an outage of the plan, and the start of PostgreSQL on a loaded machine."""


class Ledger:
    """Reaches PostgreSQL past the proxies, and again whenever it was restarted."""

    def __init__(self, url: str, count: int, config: dict[str, Any]) -> None:
        self._url = url
        self._connection: Connection | None = None
        self.jobs = self.do(lambda connection: self._prepare(connection, count, config))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep_busy)
        self.queued = self.cancelled = 0

    def do(self, work: Callable[[Connection], ResultT]) -> ResultT:
        """With a connection; again, until the database is there."""
        deadline = time.monotonic() + LONGEST_OUTAGE
        while True:
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = connect(self._url, "chaos")
                return work(self._connection)
            except (StoreError, psycopg.OperationalError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Of a statement."""
        return self.do(lambda connection: connection.execute(query.encode(), values).fetchall())

    def one(self, query: str, *values: Any) -> Any:
        """The first column of the first row."""
        return self.rows(query, *values)[0][0]

    def _prepare(self, connection: Connection, count: int, config: dict[str, Any]) -> list[int]:
        with connection.transaction():
            connection.execute(AUDIT)
            organizations: list[int] = []
            made = []
            for number in range(count):
                if number % JOBS_IN_ORGANIZATION == 0:
                    row = connection.execute("insert into organizations (name) values (%s) returning id", [f"Chaos {number}"]).fetchone()
                    organizations.append(row[0])  # type: ignore[index]
                row = connection.execute(
                    "insert into discovery_jobs (name, provider, config, organization_id, next_run_at) values (%s, 'chaos', %s, %s, null) returning id",
                    [f"chaos {number}", Jsonb({"job": number, **config}), organizations[-1]],
                ).fetchone()
                made.append(row[0])  # type: ignore[index]
        return made

    def put_aside(self, jobs: list[int], queue: str) -> None:
        """Puts jobs into a queue of their own, before any has run."""
        self.do(lambda connection: connection.execute("update discovery_jobs set queue = %s where id = any(%s)", [queue, jobs]))

    # --- the operator

    def begin(self) -> None:
        """Queues jobs, each time with the next version of their source, and cancels some."""
        self._thread.start()

    def end(self) -> None:
        """No more."""
        self._over.set()
        self._thread.join()

    def _keep_busy(self) -> None:
        while not self._over.wait(0.25):
            due = self.one("select count(*) from discovery_jobs where next_run_at <= now() and status <> 'running'")
            for job in random.sample(self.jobs, max(0, min(QUEUED_AT_LEAST - due, len(self.jobs)))):
                self.queue(job)
            if random.random() < CANCELLED:
                job = random.choice(self.jobs)
                self.do(lambda connection, job=job: jobs.cancel(connection, job))  # type: ignore[misc]
                self.cancelled += 1

    def queue(self, job: int) -> None:
        """As the API does, with a source that has moved on."""

        def work(connection: Connection) -> None:
            with connection.transaction():
                connection.execute(
                    "update discovery_jobs set config = jsonb_set(config, '{version}', to_jsonb((config->>'version')::int + 1)) where id = %s",
                    [job],
                )
                jobs.queue(connection, job)

        self.do(work)
        self.queued += 1

    def await_rest(self, cap: float) -> float:
        """Seconds until nothing is due and nothing is claimed. Raises `TimeoutError`."""
        began = time.monotonic()
        while True:
            due = self.one("select count(*) from discovery_jobs where next_run_at <= now()")
            held = self.one("select count(*) from elder_worker.claims where owner is not null")
            if not due and not held:
                return time.monotonic() - began
            if time.monotonic() - began > cap:
                raise TimeoutError(f"after {cap:g} s, {due} jobs are due and {held} are claimed")
            time.sleep(0.2)

    # --- the reckoning

    def wrong(self) -> dict[str, int]:
        """What must not be -> how often it is."""
        stored, linked, sources, there = self._stored(), self._linked(), {}, 0
        for job, config in self.rows("select id, config from discovery_jobs"):
            del job
            for region in REGIONS:
                for resource in resources(ChaosConfig(**config), region):
                    sources[resource.external_id] = resource
        different = sum(
            stored.get(name) != (resource.name, resource.attributes, resource.tags, resource.external_id.split("/")[1])
            for name, resource in sources.items()
        )
        links = {(name, link.type, link.target) for name, resource in sources.items() for link in resource.links}
        there = len(stored)
        return {
            "entities that the source has and the store has not": len(sources.keys() - stored.keys()),
            "entities that the store has and the source has not": len(stored.keys() - sources.keys()),
            "entities whose content differs": different - len(sources.keys() - stored.keys()),
            "links that are missing": len(links - linked.keys()),
            "links that are too many": len(linked.keys() - links),
            "links that lead nowhere": sum(1 for link in links if linked.get(link) != link[2]),
            "entities stored twice": self.one(
                "select count(*) from (select external_id from entities group by 1 having count(*) > 1) twice"
            ),
            "tombstones held back": self.one("select count(*) from elder_worker.held"),
            "active entities with a time of deletion": self.one("select count(*) from entities where is_active <> (deleted_at is null)"),
            "deleted entities whose history does not end so": self.one(_LAST_CHANGE),
            "runs without an end": self.one("select count(*) from discovery_history where status = 'running' or completed_at is null"),
            "runs that ended twice": self.one("select count(*) from chaos_ended_twice"),
            "claims held": self.one("select count(*) from elder_worker.claims where owner is not null"),
            "scopes without a line in the ledger of a completed run": self.one(_LEDGER, len(REGIONS)),
        } | {"entities in the store": -there}

    def _stored(self) -> dict[str, tuple[Any, ...]]:
        query = "select external_id, name, attributes, tags, region from entities where is_active"
        return {row[0]: row[1:] for row in self.rows(query)}

    def _linked(self) -> dict[tuple[str, str, str], str]:
        query = (
            "select s.external_id, d.dependency_type, d.target_external_id, t.external_id from dependencies d "
            "join entities s on s.id = d.source_id and s.is_active left join entities t on t.id = d.target_id and t.is_active"
        )
        return {row[:3]: row[3] for row in self.rows(query)}


_LAST_CHANGE = """
select count(*) from entities e where not is_active and (
    select operation from entity_changes c where c.entity_id = e.id order by c.id desc limit 1) is distinct from 'deleted'
"""
_LEDGER = """
select count(*) from discovery_history h where status = 'completed' and
    (select count(*) from run_scopes s where s.run_id = h.id and s.outcome = 'complete') <> %s
"""
