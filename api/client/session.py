"""The session of a command: the API, and the form of the output."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import click

from api.client import output, settings
from api.client.api import Api
from worker.logs.cells import cell


class Session:
    """One call of the command."""

    def __init__(self, url: str | None, form: str) -> None:
        self._url, self.form = url, form

    @cached_property
    def api(self) -> Api:
        """The API, connected to at first use. Raises `ClientError`."""
        return Api(settings.load(self._url, os.environ))

    def show(self, one: dict[str, Any]) -> None:
        """Prints one object in the chosen format."""
        output.show(one, self.form)

    def many(self, found: Iterable[dict[str, Any]], columns: Sequence[str], noun: str) -> None:
        """Prints a list; a table and CSV have these columns, JSON has everything. `noun` is what there is none of in an empty table."""
        output.many(found, columns, self.form, f"No {noun}.")

    def done(self, answer: dict[str, Any], sentence: str) -> None:
        """Prints the answer to a request that changed something: as a sentence to people."""
        click.echo(cell(sentence)) if self.form == "table" else self.show(answer)
        for warning in answer.get("warnings", ()):
            click.echo(cell(f"warning: {warning}"), err=True)


in_session = click.make_pass_decorator(Session)
"""Gives the session to a command as its first argument."""


def limited(command: Any) -> Any:
    """Adds the option ``--limit`` to a command that prints a list."""
    return click.option("--limit", type=click.IntRange(1), default=None, help="Print this many rows at most; without, all.")(command)
