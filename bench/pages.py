"""Every page and list of a large installation, its claims, and the deletion of its largest job: milliseconds."""

from __future__ import annotations

import pathlib
import tempfile
import time
import uuid
from collections.abc import Iterator

import psycopg
from cryptography.fernet import Fernet
from werkzeug.routing import Rule
from werkzeug.test import Client

from api.app import create_app
from bench import search
from worker.config.settings import load
from worker.local.postgres import running
from worker.store import claims, retention
from worker.store.connection import connect
from worker.store.migrate import migrate

ENTITIES, JOBS, RUNS, LINES, CHANGES = 1_000_000, 100_000, 1_000_000, 1_000_000, 1_000_000
SCOPES, DAILY = 400, 300
"""Scopes of the largest job, which has all entities, a tenth of all runs, and the ledger. Days on which the second job has run, with as many
scopes, of which one or two differ each time: its ledgers are in chains as long as they get."""

CLAIM_BAR, DELETION_BAR = "<= 20 ms", "<= 1000 ms"
CLAIMED = 200

FILL = (
    """insert into discovery_jobs (name, provider, config, organization_id, schedule_interval, status, next_run_at, last_run_at)
       select 'job ' || n, (array['aws', 'gcp', 'azure', 'kubernetes'])[1 + n %% 4], '{}', 1 + n %% 20, 86400,
              (array['completed', 'completed', 'completed', 'partial', 'error'])[1 + n %% 5], now() - n * interval '1 ms', now() - interval '1 day'
       from generate_series(1, %(jobs)s::integer) n""",
    """insert into elder_worker.scopes (id, owner, provider, account, region, resource_type, last_outcome, last_attempt_at, last_complete_at, entities)
       select n, case when n <= %(scopes)s then 'job:1' else 'job:' || n - %(scopes)s + 1 end, 'aws', n::text, 'us-east-1', 'type_' || n %% 37,
              'complete', now() - n * interval '1 s', now() - n * interval '1 s', 2500
       from generate_series(1, %(scopes)s::integer + %(jobs)s::integer - 1) n""",
    """insert into discovery_history (job_id, status, error_kind, entities_discovered, worker, ledger_chain, started_at, completed_at)
       select case when n %% 10 = 0 then 1 else 1 + n %% %(jobs)s::integer end, case when n %% 50 = 3 then 'error' else 'completed' end,
              case when n %% 50 = 3 then 'credentials' else '' end, 1000, 'worker-1', 0, at, at + interval '40 s'
       from (select n, now() - (%(runs)s::integer - n) * interval '2.5 s' as at from generate_series(1, %(runs)s::integer) n) as of_time""",
    """insert into run_scopes (run_id, scope_id, provider, account, region, resource_type, outcome, resources, message)
       select r.id, s.id, s.provider, s.account, s.region, s.resource_type, case when s.id %% 9 = 0 then 'denied' else 'complete' end, 2500, ''
       from (select id from discovery_history where job_id = 1 order by id desc limit %(lines)s::integer / %(scopes)s::integer) r
       cross join (select * from elder_worker.scopes where owner = 'job:1') s""",
    """insert into entity_changes (entity_id, run_id, operation, changes, changed_at)
       select n, (select max(id) from discovery_history where job_id = 1) - 10 * (n %% 1000), 'updated',
              jsonb_build_object('State.Name', jsonb_build_array('pending', 'running')), now() - n * interval '2.5 s'
       from generate_series(1, %(changes)s::integer) n""",
    """insert into elder_worker.created (run_id, first_id, last_id, entities, created_at)
       select (select min(id) from discovery_history where job_id = 1), min(id), max(id), count(*), first_seen_at
       from entities group by first_seen_at""",
    """insert into discovery_history (job_id, status, entities_discovered, worker, started_at, completed_at)
       select 2, 'completed', 1000, 'worker-1', at, at + interval '40 s'
       from (select now() - n * interval '1 day' as at from generate_series(%(daily)s::integer, 2, -1) n) as days""",
    """insert into run_scopes (run_id, scope_id, provider, account, region, resource_type, outcome, resources, message)
       select r.id, s.id, s.provider, s.account, s.region, s.resource_type, case when s.id %% 9 = 0 then 'denied' else 'complete' end,
              case when (s.id + r.id) %% 500 = 0 then r.id else 2500 end, ''
       from (select id from discovery_history where job_id = 2 order by id desc limit %(daily)s::integer - 1) r
       cross join (select * from elder_worker.scopes where owner = 'job:1') s""",
    """update discovery_history set entities_updated = 1
       where id in (select id from discovery_history where job_id = 1 order by id desc limit 1000)""",
    "update discovery_jobs set created_at = now() - interval '40 days'",
)

CHANGED = ("job_id=1", "provider=aws", "sub_type=type_3", "field=State.Name")

VARIANTS = {
    "/entities": ("q=tag:owner%3Do777", "sort=name", "q=host-777777"),
    "/api/v1/entities": ("cursor=", "cursor=&q=type:type_3", "cursor=&sort=-changed"),
    "/changes": CHANGED,
    "/api/v1/changes": ("cursor=", *(f"cursor=&{one}" for one in CHANGED), *CHANGED),
    "/scopes": ("not_complete_for=7d", "owner=job:1"),
    "/api/v1/discovery/jobs": ("status=error", "provider=gcp"),
}
"""Queries by route, besides the one without."""

OF_THE_DAILY_JOB = ("/jobs/2", "/api/v1/discovery/jobs/2/history")
"""Addresses of the job whose ledgers are in chains."""

LEFT_OUT = ("/static/", "/healthz", "/api/v1/healthz", "/metrics", "/api/v1/openapi.json", "/api/v1/sync/")
"""Routes that list nothing, and those of connectors, which ask for one scope."""


def measure() -> Iterator[tuple[str, str, str, str]]:
    """Rows of the table: (what, ours, limit, instead). The searches come first, in the same database."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, running(pathlib.Path(folder)) as server:
        migrate(server.url())
        search.fill(server.url(), ENTITIES)
        yield from search.signed(server.url())
        yield from search.answers(server.url(), search.ROUNDS)
        fill(server.url())
        yield from answers(server.url())


def fill(url: str, jobs: int = JOBS, runs: int = RUNS, lines: int = LINES, changes: int = CHANGES) -> None:
    """Stores jobs, scopes, runs, ledger and changes beside the entities of `bench.search`: vacuumed and analyzed."""
    sizes = {"jobs": jobs, "runs": runs, "lines": lines, "changes": changes, "scopes": SCOPES, "daily": DAILY}
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in FILL:
            connection.execute(statement, sizes)
        for _ in range(runs // retention.COUNTS + 1):  # as the clean-up of an installation has done meanwhile
            retention.clean(connection, retention.Kept())
        connection.execute("vacuum analyze")


def answers(url: str, rounds: int = search.ROUNDS) -> Iterator[tuple[str, str, str, str]]:
    """Figures of a database that is filled; the deletion comes last."""
    app = create_app(load({"DATABASE_URL": url, "ELDER_SECRET_KEYS": Fernet.generate_key().decode()}))
    client = Client(app)
    try:
        for address in addresses(url, app.url_map.iter_rules()):
            status = client.get(address).status_code
            if status == 200:
                yield address, search.figure(lambda address=address: client.get(address), rounds), search.BAR, ""
            elif status not in (303, 404):  # addresses that lead elsewhere, and things that are not in this database
                yield address, f"answers {status}", search.BAR, ""
        yield from _claims(url)
        began = time.perf_counter()
        answer = client.delete("/api/v1/discovery/jobs/1")
        assert answer.status_code < 300, answer.text
        yield "deletion of the job that has all entities", f"{(time.perf_counter() - began) * 1000:.0f} ms", DELETION_BAR, ""
    finally:
        app.extensions["elder"].pool.close()


def addresses(url: str, rules: Iterator[Rule]) -> Iterator[str]:
    """Addresses of all pages and lists, each thing by the id of the largest of its kind, which is 1 mostly."""
    with psycopg.connect(url) as connection:
        row = connection.execute("select coalesce(max(id), 0) from discovery_history where job_id = 1").fetchone()
    ids = {"run_id": row[0] if row else 0, "entity_id": 777, "name": "ldap"}
    for rule in sorted((rule for rule in rules if "GET" in (rule.methods or ())), key=str):
        if rule.rule.startswith(LEFT_OUT):
            continue
        _, path = rule.build(dict.fromkeys(rule.arguments, 1) | ids, append_unknown=False) or ("", rule.rule)
        yield path
        yield from (f"{path}?{query}" for query in VARIANTS.get(path, ()))
    yield from OF_THE_DAILY_JOB


def _claims(url: str) -> Iterator[tuple[str, str, str, str]]:
    connection = connect(url)
    owner = str(uuid.uuid4())
    yield (
        f"a claim among {JOBS} jobs that are due",
        search.figure(lambda: claims.claim(connection, owner, "bench", 600.0, 1), CLAIMED),
        CLAIM_BAR,
        "",
    )
    connection.close()
