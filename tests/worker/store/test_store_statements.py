"""SQL has one place: statements of more than one line are named, in files, each with its own sentence and no other's."""

from __future__ import annotations

import ast
import pathlib
import re

import pytest

from worker.store import copy_format, statements

ROOT = pathlib.Path(__file__).parents[3]
VERBS = ("select", "with", "insert", "update", "delete", "create", "truncate")
SOURCES = sorted(file for room in ("worker", "api") for file in (ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("name", sorted(statements.statements()))
def test_each_statement_has_its_own_sentence_and_is_sent_without_comments(name):
    """The loader used to send 7 of 23 statements with the comment of the next one."""
    statement = statements.statements()[name]

    assert statement.purpose[0].isupper(), "a sentence says what it does"
    assert statement.purpose.endswith(".")
    assert statement.sql.startswith(tuple(verb.encode() for verb in VERBS)), statement.sql[:80]
    assert b"--" not in statement.sql


def test_a_comment_belongs_to_the_statement_below_it():
    text = "-- name: one\n-- Does this.\nselect 1\n\n-- name: two\n-- Does that,\n-- and more.\nselect 2\n"

    assert statements.parse(text) == [("one", ("Does this.", b"select 1")), ("two", ("Does that,\nand more.", b"select 2"))]


def test_every_statement_is_used_and_every_name_is_one():
    text = "".join(file.read_text() for file in SOURCES)
    used = set(re.findall(r'statements\.get\("(\w+)"\)', text))
    used |= {f"{name}_of" for name in ("dependencies", "dependents")}  # composed in worker/store/entities.py
    used |= {f"restore_{kind}" for kind in ("entities", "links", "attributes")}  # composed in worker/store/releases.py

    assert used == set(statements.statements())


def test_no_statement_of_more_than_one_line_stands_in_code():
    found = []
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text())):
            is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
            if is_text and re.match(rf"\s*({'|'.join(VERBS)})\s", node.value) and node.end_lineno != node.lineno:
                found.append(f"{file.relative_to(ROOT)}:{node.lineno}")

    assert found == []


@pytest.mark.parametrize("value", ["", "plain", "a\\b", "a\tb", "a\nb\r", "ü\u2028\\N", "\\.", "\u00a0"])
def test_a_text_column_comes_back_as_it_was(sql, value):
    with sql.cursor() as cursor:
        cursor.execute("create temporary table one (value text)")
        with cursor.copy("copy one from stdin") as copy:
            copy.write(f"{copy_format.text(value)}\n".encode())
        assert cursor.execute("select value from one").fetchall() == [(value,)]
