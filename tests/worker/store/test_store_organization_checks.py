"""That an entity's organization exists, as a foreign key would hold it: triggers do, which check a statement at once."""

from __future__ import annotations

import threading

import psycopg
import pytest
from psycopg.errors import FeatureNotSupported, ForeignKeyViolation
from waiting import until

CONSTRAINT = "entities_organization_id_fkey"
WAITS = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
INSERT = (
    "insert into entities (organization_id, external_id, entity_type, sub_type, name, provider, scope_id, key, content) "
    "select n, 'e' || n || random(), 't', 't', 'e', 'p', 0, 0, 0 from unnest(%s::bigint[]) n"
)


@pytest.fixture(autouse=True)
def organizations(sql):
    sql.execute("insert into organizations (id, name) values (1, 'one'), (2, 'two')")


@pytest.fixture
def other(database):
    with psycopg.connect(database) as connection:
        yield connection


def beside(work):
    """Runs `work` in a thread; returns a function that waits for it and raises its error."""
    errors = []

    def run():
        try:
            work()
        except psycopg.Error as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()

    def join():
        thread.join(60)
        assert not thread.is_alive()
        if errors:
            raise errors[0]

    return join


def count(sql):
    return sql.execute("select count(*) from entities").fetchone()[0]


def test_rows_of_known_organizations_are_stored_and_one_unknown_refuses_the_statement(sql):
    sql.execute(INSERT, [[1, 2, 2]])
    with pytest.raises(ForeignKeyViolation, match=r"\(organization_id\)=\(3\) is not present") as refused:
        sql.execute(INSERT, [[1, 3, 2]])
    assert refused.value.diag.constraint_name == CONSTRAINT
    assert refused.value.diag.table_name == "entities"
    assert count(sql) == 3


def test_copy_is_checked_too(sql):
    copy = "copy entities (organization_id, external_id, entity_type, sub_type, name, provider, scope_id, key, content) from stdin"
    with pytest.raises(ForeignKeyViolation), sql.cursor() as cursor, cursor.copy(copy) as rows:
        rows.write_row((1, "a", "t", "t", "a", "p", 0, 0, 0))
        rows.write_row((9, "b", "t", "t", "b", "p", 0, 0, 0))
    assert count(sql) == 0


def test_a_merge_is_checked_for_what_it_inserts(sql):
    sql.execute(INSERT, [[1]])
    with pytest.raises(ForeignKeyViolation):
        sql.execute(INSERT + " on conflict (organization_id, external_id) do update set name = 'x'", [[7]])


def test_an_entity_moves_to_a_known_organization_only(sql):
    sql.execute(INSERT, [[1]])
    sql.execute("update entities set organization_id = 2")
    with pytest.raises(ForeignKeyViolation):
        sql.execute("update entities set organization_id = 5")
    assert sql.execute("select organization_id from entities").fetchall() == [(2,)]


def test_an_organization_with_entities_is_neither_deleted_nor_renumbered(sql):
    sql.execute(INSERT, [[1]])
    for statement in ("delete from organizations where id = 1", "update organizations set id = 8 where id = 1"):
        with pytest.raises(ForeignKeyViolation, match="still referenced") as refused:
            sql.execute(statement)
        assert refused.value.diag.constraint_name == CONSTRAINT
    sql.execute("delete from organizations where id = 2")
    sql.execute("delete from entities")
    sql.execute("delete from organizations where id = 1")


def test_who_stores_first_keeps_the_organization(sql, other):
    other.execute(INSERT, [[1]])
    join = beside(lambda: sql.execute("delete from organizations where id = 1"))
    with psycopg.connect(sql.info.dsn, password=sql.info.password, autocommit=True) as third:
        until(lambda: third.execute(WAITS).fetchone()[0], "the deletion waits for the entity's transaction")
    other.commit()
    with pytest.raises(ForeignKeyViolation, match="still referenced"):
        join()


def test_who_deletes_first_leaves_none_to_store_into(sql, other):
    other.execute("delete from organizations where id = 1")
    join = beside(lambda: sql.execute(INSERT, [[1]]))
    with psycopg.connect(sql.info.dsn, password=sql.info.password, autocommit=True) as third:
        until(lambda: third.execute(WAITS).fetchone()[0], "the entity waits for the deletion")
    other.commit()
    with pytest.raises(ForeignKeyViolation, match="not present"):
        join()
    assert count(sql) == 0


def test_a_deletion_that_cannot_see_what_others_store_is_refused(database, sql):
    """A snapshot that is older than an entity would not show it."""
    with psycopg.connect(database) as other:
        other.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        other.execute("select count(*) from entities")
        sql.execute(INSERT, [[1]])
        with pytest.raises(FeatureNotSupported, match="READ COMMITTED"):
            other.execute("delete from organizations where id = 1")


def test_organizations_are_truncated_together_with_the_entities_only(sql):
    sql.execute(INSERT, [[1, 2]])
    with pytest.raises(ForeignKeyViolation, match="cannot truncate"):
        sql.execute("truncate organizations cascade")
    assert count(sql) == 2
    sql.execute("truncate organizations, entities cascade")
    assert count(sql) == 0


def test_a_table_of_the_writer_s_own_does_not_stand_in_for_the_organizations(sql):
    """The triggers run with the rights of the schema's owner."""
    sql.execute("create temporary table organizations (id bigint)")
    sql.execute("insert into organizations values (99)")
    try:
        with pytest.raises(ForeignKeyViolation):
            sql.execute(INSERT, [[99]])
    finally:
        sql.execute("drop table pg_temp.organizations")
