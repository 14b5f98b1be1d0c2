"""Search in an inventory of a million entities: milliseconds of the API for a first page and for the first byte of an export."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

import psycopg
from cryptography.fernet import Fernet
from werkzeug.test import Client

from api.app import create_app
from worker.config.settings import load
from worker.store import search_blocks
from worker.store.connection import connect

BAR = "<= 150 ms"
ROUNDS = 40

FILL = """
insert into entities (organization_id, external_id, entity_type, sub_type, name, provider, account, region, attributes, tags, scope_id, key, content)
select 1 + n %% 20, 'arn:aws:ec2:us-east-1:' || lpad((n %% 50)::text, 12, '0') || ':instance/i-' || md5(n::text),
       case when n %% 10 < 5 then 'compute' else 'network' end, 'type_' || (n %% 37), 'host-' || n, (array['aws', 'gcp', 'azure'])[1 + n %% 3],
       lpad((n %% 50)::text, 12, '0'), 'region-' || (n %% 12),
       jsonb_build_object('State', jsonb_build_object('Name', case when n %% 9 = 0 then 'stopped' else 'running' end), 'Number', n,
                          'Padding', repeat('x', 210)),
       jsonb_build_object('team', 't' || (n %% 7), 'owner', 'o' || (n %% 20000)), 1 + n %% 400, n, n
from generate_series(%s::integer, %s::integer) n"""

SEARCHES = {
    "a tag that 50 entities have": "q=tag:owner%3Do777",
    "a tag that a seventh has": "q=tag:team%3Dt1",
    "a tag by its name alone": "q=tag:owner",
    "an attribute that a ninth has": "q=attr:State.Name%3Dstopped",
    "an attribute of one entity": "q=attr:Number%3D777777",
    "a type and an attribute": "q=type:type_3+attr:State.Name%3Dstopped",
    "a part of the names of many": "q=host-7",
    "the name of one entity": "q=host-777777",
    "a part that few names have, of equal characters": "q=777777",
    "the same of two characters in turn": "q=717171",
    "a word that nothing has": "q=nosuchthing",
    "all, sorted by name": "sort=name",
    "all, the latest change first": "sort=-changed",
    "a type, sorted by name": "q=type:type_3&sort=name",
}
EXPORTS = {"export of all": "", "export of a type, sorted by name": "q=type:type_3&sort=name", "export of a tag": "q=tag:owner%3Do777"}


def fill(url: str, entities: int) -> None:
    """Stores the entities in 20 organizations, as after many runs: vacuumed and analyzed."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("insert into organizations (id, name) select n, 'org ' || n from generate_series(1, 20) n")
        for first in range(1, entities + 1, 100_000):
            connection.execute(FILL, [first, min(first + 99_999, entities)])
        connection.execute("vacuum analyze entities")


def signed(url: str) -> Iterator[tuple[str, str, str, str]]:
    """Makes the signatures of all entities, as a worker does; the CPU time of this process for an entity."""
    began, batches = time.process_time(), 0
    with connect(url) as connection:
        while search_blocks.add_pending(connection):
            batches += 1
        taken = time.process_time() - began
        row = connection.execute("select count(*), pg_size_pretty(pg_table_size('elder_worker.search_blocks')) from entities").fetchone()
        connection.execute("vacuum analyze elder_worker.search_blocks")
    entities, size = row or (0, "")
    yield "signatures, made beside other work", f"{taken / max(1, entities) * 1e6:.0f} us an entity, {batches} batches, {size}", "", ""


def answers(url: str, rounds: int) -> Iterator[tuple[str, str, str, str]]:
    """Figures of a database that is filled."""
    app = create_app(load({"DATABASE_URL": url, "ELDER_SECRET_KEYS": Fernet.generate_key().decode()}))
    client = Client(app)
    try:
        for what, query in SEARCHES.items():
            yield what, figure(lambda query=query: client.get(f"/api/v1/entities?cursor=&{query}"), rounds), BAR, ""
        for what, query in EXPORTS.items():
            yield what + ", first byte", figure(lambda query=query: _first_byte(client, query), rounds), BAR, ""
    finally:
        app.extensions["elder"].pool.close()


def _first_byte(client: Client, query: str) -> None:
    response = client.get(f"/api/v1/entities?format=jsonl&{query}", buffered=False)
    next(iter(response.response))
    response.close()


def figure(call: Callable[[], object], rounds: int) -> str:
    """Milliseconds of a call that was made once before: median, and 95th percentile."""
    call()
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        call()
        taken.append((time.perf_counter() - began) * 1000)
    return f"p50 {statistics.median(taken):.0f} ms, p95 {statistics.quantiles(taken, n=20)[-1]:.0f} ms"
