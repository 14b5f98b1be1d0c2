"""Runs against the store as the writer would make them, without processes."""

from __future__ import annotations

import uuid

import msgspec
from psycopg.types.json import Jsonb

from providers.collected import Collected
from providers.errors import Outcome
from providers.records import Link, Resource, Scope
from supervisor.messages import Cause, Exited
from worker.run import wire
from worker.run.outcome import Status, Verdict
from worker.store import claims
from worker.store.connection import connect
from worker.store.inventory import PostgresInventory

OWNER = str(uuid.UUID(int=1))
SCOPE = Scope("aws", "111", "us-east-1", "ec2_instance")


def resources(count: int, *, kind: str = "ec2_instance", **changes) -> list[Resource]:
    return [
        Resource(f"arn:{kind}:{n}", "compute", kind, f"name {n}", {"n": n, "state": changes.get("state", "running")}, {"team": "a"})
        for n in range(count)
    ]


def raws(found: list[Resource]) -> list[msgspec.Raw]:
    return [msgspec.Raw(wire.encode_resource(resource)) for resource in found]


def add_job(sql, organization: int | None = 1, **columns) -> int:
    if organization is not None:
        sql.execute("insert into organizations (id, name) values (%s, 'one') on conflict do nothing", [organization])
    values = {"name": "job", "provider": "aws", "config": Jsonb({}), "organization_id": organization, **columns}
    names = ", ".join(values)
    marks = ", ".join(["%s"] * len(values))
    return sql.execute(f"insert into discovery_jobs ({names}) values ({marks}) returning id", list(values.values())).fetchone()[0]


def claim(database: str, owner: str = OWNER, job: int | None = None, ttl: float = 30.0, limit: int = 1):
    with connect(database) as connection:
        return claims.claim(connection, owner, "test", ttl, limit, job)


class Run:
    """One run of a job, driven by the test."""

    batch = 500

    def __init__(self, database: str, job: int, owner: str = OWNER, guard: float = 0.1, through: str = "", version: str = "") -> None:
        """`through` is another URL for the results; `version` is that of the catalogue."""
        [self.claimed] = claim(database, owner, job)
        self.inventory = PostgresInventory(
            lambda: connect(through or database), self.claimed, owner, guard, lambda _c, _s: 1, version=version
        )
        self._index = self.repeated = 0

    def scope(self, found: list[Resource], scope: Scope = SCOPE, outcome: Outcome = Outcome.COMPLETE, **end) -> None:
        """Reads one scope from its beginning to its end."""
        self.close(self.open(found, scope), len(found), outcome, **end)

    def close(self, index: int, resources: int, outcome: Outcome = Outcome.COMPLETE, **end) -> None:
        """Ends an open scope."""
        self.inventory.end(wire.ScopeEnd(index=index, outcome=outcome, resources=resources, **end))

    def reading(self, found: Collected) -> None:
        """Stores all that a provider has read, each scope as it ended."""
        for scope, report in found.reports.items():
            end = {name: getattr(report, name) for name in ("message", "gone", "rejected", "absence")}
            self.scope(found.found[scope], scope, report.outcome, **end)

    def open(self, found: list[Resource], scope: Scope = SCOPE) -> int:
        """Opens a scope and sends resources; the scope stays open."""
        index, self._index = self._index, self._index + 1
        self.inventory.begin(index, scope)
        for start in range(0, len(found), self.batch):
            self.send(index, found[start : start + self.batch])
        return index

    def send(self, index: int, batch: list[Resource]) -> int:
        """Sends a batch as the run's thread does; returns how many of its resources were recognised by the batch's bytes."""
        repeated = self.inventory.repeated(index, wire.encode_resources(batch))
        if not repeated:
            self.inventory.records(index, raws(batch))
        self.repeated += repeated
        return repeated

    def finish(self, verdict: Verdict | None = None) -> Verdict:
        """Finishes the run."""
        exited = Exited(run="r", cause=Cause.EXITED, exit_code=0)
        return self.inventory.finish(verdict or Verdict(Status.COMPLETED), exited)


def run_once(database: str, job: int, found: list[Resource], **more):
    run = Run(database, job, **{key: more.pop(key) for key in ("guard", "owner", "version") if key in more})
    run.scope(found, **more)
    run.finish()
    return run.inventory.totals


__all__ = ["Link"]
