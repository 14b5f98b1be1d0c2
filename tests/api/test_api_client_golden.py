"""The output of each command of `elder`, against what is kept of it in golden/: in a pipe, and on a terminal of 80 columns.

``pytest tests/api/test_api_client_golden.py --renew-golden`` writes the files anew; look at what has changed in them.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import pathlib
import re
import shlex
from collections.abc import Iterator

import click
import psycopg
import pytest
from command_cases import CASES, FORMS, READY, WRITINGS, Case, World
from command_runner import Done
from command_world import build
from peers.elder import ElderClient, served, settings
from transcript import COLUMNS, in_pipe, on_terminal
from waiting import CAP
from wcwidth import wcswidth

from api.app import create_app
from api.client.main import main

GOLDEN = pathlib.Path(__file__).parent / "golden"
EVERY = {**CASES, "forms": FORMS, "writings": WRITINGS}
ESCAPES = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")
TOO_LONG = {"completion", "manual"}
"""Commands whose output is not kept: it is a program for shells, and docs/man/elder.1."""


@pytest.fixture(scope="module")
def filled(postgres_server):
    """Makes databases with the content of `command_world`, and serves an API of each; yields (URL of the API, World)."""
    number = iter(range(10_000))

    def create(name: str, template: str) -> str:
        with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
            connection.execute(f"create database {name} template {template}")
        return postgres_server.url(name)

    template = f"golden_{os.getpid()}"
    url = create(template, "template_elder")
    with _app(url) as elder, psycopg.connect(url, autocommit=True, prepare_threshold=None) as sql:
        build(url, sql, elder)

    @contextlib.contextmanager
    def make() -> Iterator[tuple[str, World]]:
        name = f"{template}_{next(number)}"
        url = create(name, template)
        with _app(url) as elder, served(elder.app) as site:
            yield site, World(url, elder)
        with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
            connection.execute(f"drop database {name} with (force)")

    return make


@contextlib.contextmanager
def _app(url: str) -> Iterator[ElderClient]:
    app = create_app(settings(url))
    yield ElderClient(app)
    app.extensions["elder"].pool.close()


@pytest.fixture(scope="module")
def looked_at(filled):
    """The one API of all cases that change nothing."""
    with filled() as found:
        yield found


@pytest.fixture
def spoken(command_runner, filled, looked_at, tmp_path):
    """Types what a case has, in a pipe (0 columns) or on a terminal, and returns what came of each line."""

    def say(case: Case, columns: int, **environ: str) -> list[tuple[list[str], Done]]:
        with filled() if case.changes else contextlib.nullcontext(looked_at) as (site, world):
            environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "xterm-256color", "ELDER_API_URL": site, **environ}
            with _beside(case, world):
                return [(shlex.split(line), command_runner.run(shlex.split(line), environ, columns)) for line in case.typed]

    return say


@contextlib.contextmanager
def _beside(case: Case, world: World) -> Iterator[None]:
    READY.clear()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        beside = pool.submit(case.beside, world)
        beside.add_done_callback(lambda _: READY.set())
        assert READY.wait(CAP)
        yield
        beside.result()


def _commands(group: click.Group, above: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, (*above, name))
        else:
            yield " ".join((*above, name)), command


COMMANDS = dict(_commands(main))
TABLES = {name for name, command in COMMANDS.items() if "watch" in {param.name for param in command.params}} - {"runs get"}
"""Commands that print nothing but tables; a run brings sentences and a policy to copy as well."""


def test_every_command_has_a_case_that_types_it_and_a_golden_file():
    assert set(COMMANDS) == set(CASES), "see CONTRIBUTING.md, 'The output of a command'"
    assert all(line.startswith(name) for name, case in CASES.items() for line in case.typed)
    assert {path.stem for path in GOLDEN.glob("*.txt")} == {name.replace(" ", "-") for name in EVERY if name not in TOO_LONG}


@pytest.mark.parametrize("name", EVERY)
def test_it_prints_what_it_has_printed(name, spoken, request):
    case = EVERY[name]
    piped, shown = spoken(case, 0), spoken(case, COLUMNS)

    for arguments, done in (*piped, *shown):
        assert "Traceback" not in done.stdout + done.stderr, (arguments, done)
    for _, done in piped:
        assert "\x1b" not in done.stdout + done.stderr, "no escape codes in a pipe"
    if name in TOO_LONG:
        return
    for arguments, done in shown if name in TABLES | {"writings"} else ():
        assert all(wcswidth(ESCAPES.sub("", line)) <= COLUMNS for line in done.stdout.splitlines()), arguments
    texts = {
        "In a pipe": [in_pipe(*one) for one in piped],
        f"On a terminal of {COLUMNS} columns": [on_terminal(*one) for one in shown],
    }
    if texts["In a pipe"] == [text.replace("\n2> ", "\n") for text in [*texts.values()][1]]:
        texts = {f"In a pipe and on a terminal of {COLUMNS} columns": texts["In a pipe"]}
    text = "\n".join(f"# {title}\n\n" + "\n".join(parts) for title, parts in texts.items())
    path = GOLDEN / f"{name.replace(' ', '-')}.txt"
    if request.config.getoption("renew_golden"):
        path.write_text(text)
    assert path.read_text() == text, "look at the difference; --renew-golden takes it over"


def test_colours_can_be_switched_off_and_a_pipe_has_no_width(spoken):
    case = CASES["jobs list"]
    [(_, coloured), *_] = spoken(case, COLUMNS)
    assert "\x1b[31merror\x1b[0m" in coloured.stdout
    for environ in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        [(_, plain), *_] = spoken(case, COLUMNS, **environ)
        assert plain.stdout == ESCAPES.sub("", coloured.stdout)
    assert spoken(case, 0, COLUMNS="20") == spoken(case, 0)
