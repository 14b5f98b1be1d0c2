"""The session of a command: the API, and the form of the output."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any

import click

from api.client import output, settings
from api.client.api import Api
from api.client.errors import EXIT_UNREACHABLE, ClientError
from providers.errors import ConfigError
from worker.logs.cells import cell


class Session:
    """One call of the command."""

    def __init__(self, url: str | None, form: str) -> None:
        self._url, self.form = url, form

    @cached_property
    def api(self) -> Api:
        """The API, connected to at first use. Raises `ClientError`."""
        try:
            return Api(settings.load(self._url, os.environ))
        except ConfigError as error:  # a proxy in the environment that is none
            raise ClientError(str(error)) from None

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

    def confirm(self, question: str) -> None:
        """Asks a person on stderr. Raises `Abort` for no, and `ClientError` where nobody is there to answer."""
        try:
            agreed = click.confirm(question, err=True)
        except click.Abort:
            if sys.stdin.isatty():
                raise
            click.echo(err=True)
            raise ClientError("nobody has said yes: --yes answers") from None
        if not agreed:
            click.echo("nothing is changed", err=True, nl=False)
            raise click.Abort

    def each(self, numbers: Sequence[int], noun: str, act: Callable[[int], None]) -> None:
        """Does it with one after the other. A failure of one is printed and ends the command only after the others, with its exit code."""
        failures: list[ClientError] = []
        for number in dict.fromkeys(numbers):
            try:
                act(number)
            except ClientError as error:
                if len(numbers) == 1 or error.exit_code == EXIT_UNREACHABLE:
                    raise
                failures.append(ClientError(f"{noun} {number}: {error.format_message()}", error.exit_code))
                failures[-1].show()
        if failures:
            raise SystemExit(failures[0].exit_code)


in_session = click.make_pass_decorator(Session)
"""Gives the session to a command as its first argument."""


def limited(command: Any) -> Any:
    """Adds the option ``--limit`` to a command that prints a list."""
    return click.option("--limit", type=click.IntRange(1), default=None, help="Print this many rows at most; without, all.")(command)


def sorted_by(*names: str) -> Callable[[Any], Any]:
    """Adds the option ``--sort`` to a command that prints a list which can be sorted by these fields."""
    listed = f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]
    return click.option("--sort", metavar="FIELD", help=f"{listed}; with - before it, the other way round.")
