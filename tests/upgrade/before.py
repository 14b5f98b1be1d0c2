"""Fills a database as release 07e0fda did: run with that release's own packages on PYTHONPATH, and an order as JSON on stdin.

The order: ``database`` (a URL), ``provider``, ``config`` (raw), ``operator`` (its environment variables) and ``owner`` (``job`` or
``connector``). Prints the outcomes of the scopes.
"""

from __future__ import annotations

import json
import sys
import uuid

import msgspec
from psycopg.types.json import Jsonb
from worker.elder_api import Batch, ScopeClosed
from worker.writer.outcome import Status, Verdict

from providers import registry
from providers.collected import Collected
from providers.runner import run
from supervisor.messages import Cause, Exited
from worker import wire
from worker.store import claims, sync
from worker.store.connection import connect
from worker.store.inventory import PostgresInventory
from worker.store.migrate import migrate

OWNER = str(uuid.UUID(int=7))
JOB = "insert into discovery_jobs (name, provider, config, organization_id) values ('before', %s, %s, %s) returning id"


def main() -> None:
    order = json.load(sys.stdin)
    provider, collected = registry.get(order["provider"]), Collected()
    source = registry.opened(provider, order["config"], order["operator"])
    try:
        collected.tally = run(source, collected)
    finally:
        source.close()
    migrate(order["database"])
    {"job": as_job, "connector": as_connector}[order["owner"]](order, collected)
    print(json.dumps({report.message: report.outcome for report in collected.reports.values()}))


def as_job(order: dict, collected: Collected) -> None:
    with connect(order["database"]) as connection:
        organization = connection.execute("insert into organizations (name) values ('before') returning id").fetchone()[0]
        job = connection.execute(JOB, [order["provider"], Jsonb({}), organization]).fetchone()[0]
        [claimed] = claims.claim(connection, OWNER, "before", 60.0, 1, job)
    inventory = PostgresInventory(lambda: connect(order["database"]), claimed, OWNER, 0.1, lambda _c, _s: organization)
    inventory.identity(collected.who)
    inventory.organizations(list(collected.tree.values()))
    for index, (scope, report) in enumerate(collected.reports.items()):
        inventory.begin(index, scope)
        inventory.records(index, raws(collected.found[scope]))
        inventory.end(wire.ScopeEnd(index=index, outcome=report.outcome, resources=report.resources, message=report.message))
    inventory.finish(Verdict(Status.COMPLETED), Exited(run="r", cause=Cause.EXITED, exit_code=0))


def as_connector(order: dict, collected: Collected) -> None:
    owner = f"connector:{order['provider']}"
    with connect(order["database"]) as connection:
        for scope, report in collected.reports.items():
            sync.apply(connection, Batch(owner, "1", scope, list(collected.tree.values()), raws(collected.found[scope])))
            sync.close_scope(connection, ScopeClosed(owner, "1", scope, report.outcome, report.resources), 0.1)


def raws(found: list) -> list[msgspec.Raw]:
    return [msgspec.Raw(wire.encode_resource(resource)) for resource in found]


if __name__ == "__main__":
    main()
