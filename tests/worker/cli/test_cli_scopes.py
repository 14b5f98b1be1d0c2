"""``elder-worker scopes retire``: it says what is lost, and asks."""

from __future__ import annotations

import os
import pty

import pytest
from store_runs import Run, add_job, resources

from providers.records import Scope
from worker.cli.main import main
from worker.store import lifecycle

VPC = Scope("aws", "111", "us-east-1", "vpc")


@pytest.fixture
def abandoned(database, sql, monkeypatch) -> str:
    """Two scopes of a deleted job, with four entities; returns their owner."""
    job = add_job(sql)
    run = Run(database, job)
    run.scope(resources(3))
    run.scope(resources(1, kind="vpc"), VPC)
    run.finish()
    sql.execute("update elder_worker.scopes set state = 'abandoned'")
    monkeypatch.setenv("DATABASE_URL", database)
    return f"job:{job}"


@pytest.fixture
def typed(monkeypatch):
    """Answers at a terminal."""
    person, program = pty.openpty()
    with open(program, encoding="utf-8") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        yield lambda text: os.write(person, text.encode())
    os.close(person)


def states(sql) -> tuple[set[str], int]:
    found = sql.execute("select distinct state from elder_worker.scopes").fetchall()
    return {state for (state,) in found}, sql.execute("select count(*) from entities where is_active").fetchone()[0]


def test_yes_at_the_terminal_retires_what_the_question_says(abandoned, sql, typed, capsys):
    typed("yes\n")

    assert main(["scopes", "retire", "--owner", abandoned]) == 0

    said = capsys.readouterr()
    assert said.err == "Retire 2 abandoned scopes? 4 entities are marked as deleted (3 ec2_instance, 1 vpc). [y/N]: "
    assert said.out == "2 abandoned scopes are retired; 4 entities are marked as deleted\n"
    assert states(sql) == ({"retired"}, 0)
    assert sql.execute("select count(*) from audit_log where action = 'scopes retired'").fetchone() == (1,)


@pytest.mark.parametrize("answer", ["n\n", "\n", "yess\n", "\x04"])
def test_anything_else_changes_nothing(abandoned, sql, typed, capsys, answer):
    typed(answer)

    assert main(["scopes", "retire", "--owner", abandoned]) == 130

    assert capsys.readouterr().err.endswith("elder-worker: nothing is changed\n")
    assert states(sql) == ({"abandoned"}, 4)
    assert sql.execute("select count(*) from audit_log").fetchone() == (0,)


def test_without_a_terminal_somebody_has_to_have_said_yes(abandoned, sql, capsys, monkeypatch):
    with open(os.devnull, encoding="utf-8") as nobody:
        monkeypatch.setattr("sys.stdin", nobody)
        assert main(["scopes", "retire", "--owner", abandoned]) == 78
        assert "nobody has said yes: --yes answers" in capsys.readouterr().err
        assert states(sql) == ({"abandoned"}, 4)

        assert main(["scopes", "retire", "--owner", abandoned, "--resource-type", "vpc", "--yes"]) == 0

    assert capsys.readouterr().out == "1 abandoned scope is retired; 1 entity is marked as deleted\n"
    assert states(sql) == ({"abandoned", "retired"}, 3)


def test_nothing_to_retire_asks_nothing(abandoned, sql, capsys):
    assert main(["scopes", "retire", "--owner", "job:999"]) == 0
    assert capsys.readouterr() == ("no abandoned scope fits: nothing is changed\n", "")


def test_the_question_says_what_stays_and_names_no_more_types_than_fit(abandoned, typed, capsys, monkeypatch):
    lost = lifecycle.Losses(10, {f"type_{n}": n for n in range(1, 11)}, kept=1)
    monkeypatch.setattr(lifecycle, "losses", lambda _connection, _filters: lost)
    typed("n\n")

    assert main(["scopes", "retire", "--owner", abandoned]) == 130

    asked = capsys.readouterr().err
    assert asked.startswith("Retire 10 abandoned scopes? 55 entities are marked as deleted (10 type_10, 9 type_9, ")
    assert "3 type_3, ...); 1 entity that a current scope sees stays. [y/N]: " in asked
