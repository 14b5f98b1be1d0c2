"""Two people change the tree of organizations at the same time: the second waits, and meets what the first has done."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable

import pytest
from waiting import until

from providers.records import Organization
from worker.store import organizations, scopes
from worker.store.connection import Connection, connect, transaction
from worker.store.errors import NotPossible

WAITING = "select count(*) from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())"


def create(name: str, parent: int | None = None) -> Callable[[Connection], None]:
    def work(connection: Connection) -> None:
        organizations.check_name(connection, name, parent)
        organizations.add(connection, name, parent, "")

    return work


def change(number: int, **changes: str | int | None) -> Callable[[Connection], None]:
    def work(connection: Connection) -> None:
        found = organizations.get(connection, number, locked=True)
        assert found is not None
        organizations.change(connection, found, changes)

    return work


def merge(number: int, into: int) -> Callable[[Connection], None]:
    def work(connection: Connection) -> None:
        found = organizations.get(connection, number, locked=True)
        assert found is not None
        organizations.merge(connection, found, into)

    return work


@pytest.fixture
def tree(sql):
    """1 and 2 at the top; 3 'Below' lies below 1."""
    sql.execute("insert into organizations (id, name, parent_id) values (1, 'One', null), (2, 'Two', null), (3, 'Below', 1)")
    sql.execute("select setval(pg_get_serial_sequence('organizations', 'id'), 10)")


@pytest.mark.parametrize(
    ("first", "second", "refusal"),
    [
        (create("New"), create("NEW"), "has the name 'NEW' already"),
        (create("New", 1), create("new", 1), "has the name 'new' already"),
        (change(1, name="New"), create("new"), "has the name 'new' already"),
        (create("New"), change(2, name="new"), "has the name 'new' already"),
        (create("below", 2), change(3, parent_id=2), "has the name 'Below' already"),
        (create("below", 2), merge(1, 2), "both have an organization 'Below' below them"),
        (change(1, parent_id=2), change(2, parent_id=1), "lies below it"),
    ],
    ids=["two at the top", "two below one", "rename, create", "create, rename", "create, move", "create, merge", "each below the other"],
)
def test_what_two_people_do_at_the_same_time_is_refused_to_the_second(database, sql, tree, first, second, refusal):
    def work() -> None:
        with connect(database) as connection, transaction(connection):
            second(connection)

    with connect(database) as connection, concurrent.futures.ThreadPoolExecutor(1) as pool:
        with transaction(connection):
            first(connection)
            other = pool.submit(work)
            until(lambda: other.done() or sql.execute(WAITING).fetchone()[0], "the second waits")
            assert not other.done(), "it has not seen what the first one does"
        with pytest.raises(NotPossible, match=refusal):
            other.result(60)
    assert sql.execute("select lower(name), parent_id from organizations group by 1, 2 having count(*) > 1").fetchall() == []


def test_a_first_that_gives_up_leaves_the_name_to_the_second(database, sql, tree):
    def work() -> None:
        with connect(database) as connection, transaction(connection):
            create("New")(connection)

    with connect(database) as connection, concurrent.futures.ThreadPoolExecutor(1) as pool:
        with pytest.raises(NotPossible, match="as the test wants"), transaction(connection):
            create("New")(connection)
            other = pool.submit(work)
            until(lambda: other.done() or sql.execute(WAITING).fetchone()[0], "the second waits")
            raise NotPossible("as the test wants")
        other.result(60)
    assert sql.execute("select count(*) from organizations where name = 'New'").fetchone() == (1,)


def test_a_source_does_not_wait_for_people_and_keeps_the_names_that_it_gives(database, sql, tree):
    """Its organizations have ids of their own, and a name that another has too is stored."""
    with connect(database) as person, connect(database) as connector, transaction(person):
        create("New")(person)
        known: dict[str, int] = {}
        with transaction(connector):
            scopes.add_organizations(connector, "connector:ldap", [Organization("dc=new", "New"), Organization("dc=one", "One")], known)
        assert len(known) == 2
    assert sql.execute("select count(*) from organizations where name = 'New'").fetchone() == (2,)
