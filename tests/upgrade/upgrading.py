"""An upgrade from release 07e0fda: that release fills a database, migrations bring it up to date, and today's code reads the same source once."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tarfile
import threading
from typing import Any

import psycopg
from store_runs import Run, raws

from providers import registry
from providers.records import Identity, Organization, Resource, Scope
from providers.runner import run
from providers.schema import parse
from providers.sink import ScopeReport
from providers.testing import operator_of
from worker.run import catalogue, wire
from worker.run.inventory import Totals
from worker.store import connectors, migrate, sync
from worker.sync.inventory import ApiInventory, Destination
from worker.sync.messages import SyncRun

HERE = pathlib.Path(__file__).parent
EVERYWHERE = (
    "select to_jsonb(e)::text from entities e",
    "select to_jsonb(c)::text from entity_changes c",
    "select to_jsonb(l)::text from elder_worker.losses l",
)
AS_IF_CHANGED = """
insert into entity_changes (entity_id, operation, changes)
select e.id, 'updated', jsonb_object_agg('attributes.' || a.key, jsonb_build_array(a.value, a.value))
from entities e cross join lateral jsonb_each(e.attributes) a group by e.id
"""
AS_IF_GONE = """
insert into entities (organization_id, external_id, entity_type, sub_type, name, provider, account, attributes, tags, is_active, deleted_at,
                      scope_id, key, content)
select organization_id, external_id || '.gone', entity_type, sub_type, name, provider, account, attributes, tags, false, now(), scope_id, -id, 0
from entities
"""


class Upgrade:
    """A source, and a database that release 07e0fda filled from it. `owner` is ``job`` or ``connector``."""

    def __init__(self, database: str, release: pathlib.Path, provider: str, config: dict, operator: dict, owner: str) -> None:
        self.database, self.release, self.owner = database, release, owner
        self.provider, self.config, self.operator = registry.get(provider), config, operator
        self.sql = psycopg.connect(database, autocommit=True)
        self.before()

    def before(self) -> None:
        """Reads and stores as that release did."""
        order = {"database": self.database, "provider": self.provider.name, "config": self.config, "operator": self.operator}
        done = subprocess.run(
            [sys.executable, HERE / "before.py"],
            input=json.dumps({**order, "owner": self.owner}),
            env={**os.environ, "PYTHONPATH": str(self.release)},
            cwd=self.release,
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        assert set(json.loads(done.stdout).values()) == {"complete"}, done.stdout

    def remember(self, canaries: tuple[str, ...]) -> None:
        """Gives each row a history and a deleted twin, as a longer life would have; each canary is in all of them."""
        self.sql.execute(AS_IF_CHANGED)
        self.sql.execute(AS_IF_GONE)
        for canary in canaries:
            assert self.holding(canary)[:2] >= [2, 1], f"the release before has not stored {canary}"

    def holding(self, text: str) -> list[int]:
        """How many entities, entries of the history and losses contain a text."""
        there = [query for query in EVERYWHERE if self.sql.execute("select to_regclass(%s)", [query.split()[3]]).fetchone()[0]]
        return [sum(text in row for (row,) in self.sql.execute(query)) for query in there]

    def migrate(self) -> None:
        migrate.migrate(self.database)
        self.old = {row[0]: row for row in self.sql.execute("select external_id, id, scope_id, sub_type from entities where is_active")}
        self.last_change = self.sql.execute("select coalesce(max(id), 0) from entity_changes").fetchone()[0]
        self.scopes = self.sql.execute("select count(*) from elder_worker.scopes").fetchone()[0]

    def after(self) -> Totals:
        """Reads and stores with today's code."""
        version = catalogue.version(self.provider.name, self.config)
        sink = StoreSink(self._job(version) if self.owner == "job" else self._connector(version))
        source = self.provider.open(parse(self.provider.config, self.config), operator_of(self.provider, self.operator))
        try:
            self.tally = run(source, sink)
        finally:
            source.close()
        if self.owner == "job":
            self._run.finish()
        else:
            sink.inventory.flush()
            connectors.put(self.sql, SyncRun(f"connector:{self.provider.name}", "2", "completed"))
        self.reports = sink.reports
        return sink.inventory.totals

    def _job(self, version: str):
        job = self.sql.execute("select id from discovery_jobs").fetchone()[0]
        self.sql.execute("update discovery_jobs set next_run_at = now()")
        self._run = Run(self.database, job, version=version)
        return self._run.inventory

    def _connector(self, version: str):
        return ApiInventory(DirectApi(self.sql), f"connector:{self.provider.name}", "2", Destination(), version=version)

    def changes(self) -> list[tuple]:
        """What was recorded since the migration, but for entities that only today's catalogue finds."""
        query = (
            "select e.sub_type, c.operation, c.changes from entity_changes c join entities e on e.id = c.entity_id"
            " where c.id > %s and c.operation <> 'created'"
        )
        return self.sql.execute(query, [self.last_change]).fetchall()

    def close(self) -> None:
        self.sql.close()


class StoreSink:
    """Passes a run's results to an inventory, in the order in which they come."""

    def __init__(self, inventory: Any) -> None:
        self.inventory, self.reports = inventory, {}
        self._lock, self._open = threading.Lock(), {}

    def identity(self, identity: Identity) -> None:
        self.inventory.identity(identity)

    def planned(self, scopes: tuple[Scope, ...]) -> None:
        """Nothing to do."""

    def begin(self, scope: Scope) -> None:
        with self._lock:
            self._open[scope] = len(self._open)
            self.inventory.begin(self._open[scope], scope)

    def organizations(self, organizations: list[Organization]) -> None:
        with self._lock:
            self.inventory.organizations(organizations)

    def resources(self, scope: Scope, resources: list[Resource]) -> None:
        with self._lock:
            self.inventory.records(self._open[scope], raws(resources))

    def end(self, report: ScopeReport) -> None:
        with self._lock:
            self.reports[report.scope] = report
            self.inventory.end(
                wire.ScopeEnd(
                    index=self._open[report.scope],
                    outcome=report.outcome,
                    resources=report.resources,
                    message=report.message,
                    rejected=report.rejected,
                    rejection=report.rejection,
                )
            )


class DirectApi:
    """The Elder API's part in a sync, without HTTP."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._sql = connection

    def begin_scope(self, opened):
        return sync.begin_scope(self._sql, opened)

    def store(self, batch):
        return sync.apply(self._sql, batch)

    def close_scope(self, closed):
        return sync.close_scope(self._sql, closed, 0.1)


def unpack(folder: pathlib.Path, archive: str = "release.tar.xz") -> pathlib.Path:
    """A kept release, in a folder."""
    with tarfile.open(HERE / archive) as kept:
        kept.extractall(folder, filter="data")
    return folder
