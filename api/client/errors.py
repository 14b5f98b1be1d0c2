"""The error of the client."""

from __future__ import annotations

from typing import IO, Any

import click

from worker.logs.cells import cell

EXIT_FAILED, EXIT_USAGE, EXIT_REFUSED, EXIT_UNREACHABLE, EXIT_PARTIAL, EXIT_NOT_FOUND, EXIT_CONFLICT = range(1, 8)
EXIT_INTERRUPTED = 130
"""Code of a program that SIGINT has ended, as shells have it."""

EXIT_CODES = {
    0: "Done; a run or sync that was waited for has completed, and nothing of it is held back.",
    EXIT_FAILED: "Failed: the run or sync ended with an error or was cancelled, the test did not pass, or the API failed.",
    EXIT_USAGE: "Wrong usage: an option, a value, the config file, or nobody who could say yes. Nothing was changed.",
    EXIT_REFUSED: "The key is missing or wrong, or its role does not allow this.",
    EXIT_UNREACHABLE: "The API cannot be reached or used now: no answer, too many requests, no database, no worker for the test.",
    EXIT_PARTIAL: "Done in part: the run or sync has ended, but scopes were not read in full, or deletions are held back.",
    EXIT_NOT_FOUND: "What is named is not there.",
    EXIT_CONFLICT: "The state of what is named does not allow this: the name is taken, it is disabled, running or not empty.",
    EXIT_INTERRUPTED: "Interrupted with Ctrl-C, or no to a question. What was asked of the API before goes on.",
}
"""Meaning of each exit code, grouped by what the caller does next (docs/cli.md)."""

_OF_STATUS = {
    **dict.fromkeys((400, 405, 413, 415, 422), EXIT_USAGE),
    404: EXIT_NOT_FOUND,
    409: EXIT_CONFLICT,
    **dict.fromkeys((429, 502, 503, 504), EXIT_UNREACHABLE),
}


def exit_code(status: int) -> int:
    """The exit code for an HTTP status by which the API refuses something; keys are another matter."""
    return _OF_STATUS.get(status, EXIT_FAILED)


class ClientError(click.ClickException):
    """A command failed; the message is for the person who typed it, `code` is the exit code."""

    def __init__(self, message: str, code: int = EXIT_USAGE) -> None:
        super().__init__(message)
        self.exit_code = code  # type: ignore[misc]  # click declares it for the class, and reads it from the instance

    def show(self, file: IO[Any] | None = None) -> None:
        """Prints the sentence on stderr."""
        click.echo(f"elder: {cell(self.format_message())}", file=file, err=file is None)
