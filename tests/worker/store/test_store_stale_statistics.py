"""What a run costs where PostgreSQL's statistics are older than what it stores, as they are until autovacuum comes by.

For a scope and an organization that are newer than the statistics the planner expects one entity. A plan that reads all of them for each
entity then looks as good as one that looks each up, and takes minutes for ten thousand. So rows read are counted, not seconds.
"""

from __future__ import annotations

import msgspec
import psycopg
import pytest
from store_runs import Link, Run, add_job
from store_syncs import Sync
from waiting import until

from providers.records import Resource, Scope
from worker.run.outcome import Status

COUNT = 1500
ROWS_EACH = 150
"""Most entities and links that may be read for an entity of a reading. A plan that compares all with all reads several hundred."""

PEOPLE, GROUPS = Scope("ldap", "dc=x", "", "user"), Scope("ldap", "dc=x", "", "group")
READ = """
select sum(coalesce(idx_tup_fetch, 0) + seq_tup_read)::bigint from pg_stat_user_tables
where relname in ('entities', 'dependencies', 'held', 'losses', 'sightings')
"""
OTHERS = "select count(*) from pg_stat_activity where datname = current_database() and pid not in (pg_backend_pid(), %s)"
"""Sessions beside two; one that has ended has told what it has read."""
KEPT_STALE = "alter table {} set (autovacuum_enabled = off)"


def people(count: int, name: str = "person", team: int = 50, prefix: str = "") -> list[Resource]:
    """Users below one unit, each with a group and a manager; `team` decides who is in which group."""
    unit = Resource(f"{prefix}dc=x", "unit", "unit", "x")
    return [unit, *(_person(n, name, team, prefix) for n in range(count))]


def _person(number: int, name: str, team: int, prefix: str) -> Resource:
    links = (Link("member_of", f"{prefix}cn={number % team}"), Link("reports_to", f"{prefix}uid={number // 10}"))
    attributes = {"mail": f"{name}{number}@x.org", "title": "engineer"}
    return Resource(f"{prefix}uid={number}", "user", "user", f"{name} {number}", attributes, {}, links, parent=f"{prefix}dc=x")


def groups(prefix: str = "") -> list[Resource]:
    return [Resource(f"{prefix}cn={n}", "group", "group", f"group {n}") for n in range(60)]


READINGS = {
    "the first": people(COUNT),
    "all changed": people(COUNT, "human"),
    "all in other groups": people(COUNT, "human", 37),
    "without their titles": [msgspec.structs.replace(one, attributes={}) for one in people(COUNT, "human", 37)],
    "without their groups": [msgspec.structs.replace(one, attributes={}, links=()) for one in people(COUNT, "human", 37)],
    "half of them gone": people(COUNT // 2, "human"),
    "unchanged": people(COUNT // 2, "human"),
}


@pytest.fixture
def stale(database):
    """A database whose statistics know another, small organization only. Yields the number of rows read since the last call."""
    with psycopg.connect(database, autocommit=True) as connection:
        run = Run(database, add_job(connection, 100, provider="ldap"))
        run.scope(people(300, prefix="a,"), Scope("ldap", "dc=a", "", "user"))
        run.scope(groups("a,"), Scope("ldap", "dc=a", "", "group"))
        run.finish()
        connection.execute("vacuum analyze")
        for table in ("entities", "dependencies", "elder_worker.held", "elder_worker.losses", "elder_worker.sightings"):
            connection.execute(KEPT_STALE.format(table))
        yield _Counter(connection)


class _Counter:
    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection, self._seen = connection, 0

    def rows(self, session: psycopg.Connection) -> int:
        """Rows that a session has had read since the last call."""
        session.execute("select pg_stat_force_next_flush()")
        until(lambda: self.connection.execute(OTHERS, [session.info.backend_pid]).fetchone() == (0,), "a session of the run goes on")
        [[now]] = self.connection.execute(READ).fetchall()
        seen, self._seen = self._seen, now
        return now - seen


@pytest.mark.parametrize("guard", [0.1, 1.0], ids=["held back", "let go"])
def test_a_sync_reads_a_few_rows_for_each_entity(database, stale, guard):
    with psycopg.connect(database, autocommit=True) as api:
        costs = {}
        for what, found in READINGS.items():
            stale.rows(api)
            sync = Sync(api, "connector:okta", guard)
            sync.scope(found, PEOPLE)
            sync.scope(groups(), GROUPS)
            assert sync.finish().status is Status.COMPLETED
            costs[what] = stale.rows(api) / COUNT
    assert {what: cost for what, cost in costs.items() if cost > ROWS_EACH} == {}


@pytest.mark.parametrize("guard", [0.1, 1.0], ids=["held back", "let go"])
def test_a_run_reads_a_few_rows_for_each_entity(database, stale, guard):
    stale.connection.execute("insert into organizations (id, name) values (101, 'two')")
    job = add_job(stale.connection, None, organization_id=101, name="new", provider="ldap")
    costs = {}
    for what, found in READINGS.items():
        stale.rows(stale.connection)
        stale.connection.execute("update discovery_jobs set next_run_at = now() where id = %s", [job])
        run = Run(database, job, guard=guard)
        run.scope(found, PEOPLE)
        run.scope(groups(), GROUPS)
        assert run.finish().status is Status.COMPLETED
        costs[what] = stale.rows(stale.connection) / COUNT
    assert {what: cost for what, cost in costs.items() if cost > ROWS_EACH} == {}
