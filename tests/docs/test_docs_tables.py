"""The page of tables is true of the database: each column that people may query has a meaning and its type, and the role there reads these."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql as quoted
from table_meanings import INTERNAL, NOT_GRANTED, TABLES
from tables_page import columns, role

COLUMNS = """
select case n.nspname when 'public' then c.relname else n.nspname || '.' || c.relname end, a.attname,
       replace(format_type(a.atttypid, a.atttypmod), 'timestamp with time zone', 'timestamptz')
from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where n.nspname in ('public', 'elder_worker') and c.relkind in ('r', 'p', 'v', 'm')
"""


@pytest.fixture
def found(sql, database):
    tables: dict[str, dict[str, str]] = {}
    for table, column, kind in sql.execute(COLUMNS).fetchall():
        tables.setdefault(table, {})[column] = kind
    return tables


def test_every_table_is_described_or_named_as_internal(found):
    unknown = {table for table in found if table not in TABLES and table.removeprefix("elder_worker.") not in INTERNAL}
    assert not unknown, "describe them in tests/docs/table_meanings.py, or say there why nobody should query them"
    assert not set(INTERNAL) - {table.removeprefix("elder_worker.") for table in found}, "they are no more"


@pytest.mark.parametrize("table", TABLES)
def test_each_column_has_a_meaning_and_its_type(found, table):
    described = {column: kind for column, kind, _ in columns(table)}
    assert described == found[table], f"give each column of {table} its type and meaning in tests/docs/table_meanings.py"
    assert not [column for column, _, meaning in columns(table) if len(meaning) < 3]


def test_the_role_reads_what_is_described_and_nothing_else(found, sql, database):
    sql.execute("drop role if exists elder_reader")
    sql.execute(role())
    try:
        with psycopg.connect(database, options="-c role=elder_reader", autocommit=True) as reader:
            for table in TABLES:
                named = [column for column, _, _ in columns(table) if column not in NOT_GRANTED.get(table, ())]
                statement = quoted.SQL("select {} from {}").format(
                    quoted.SQL(", ").join(map(quoted.Identifier, named)), quoted.Identifier(*table.split("."))
                )
                assert reader.execute(statement).fetchall() == []
            forbidden = ["select config from discovery_jobs", "delete from entities", "select * from run_scopes"]
            forbidden += [f"select * from elder_worker.{name}" for name in INTERNAL if name != "run_scopes"]
            for statement in forbidden:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    reader.execute(statement)
    finally:
        sql.execute("drop owned by elder_reader")
        sql.execute("drop role elder_reader")
