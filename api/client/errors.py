"""The error of the client."""

from __future__ import annotations

from typing import IO, Any

import click

from worker.logs.cells import cell

EXIT_FAILED, EXIT_USAGE, EXIT_REFUSED, EXIT_UNREACHABLE = 1, 2, 3, 4


class ClientError(click.ClickException):
    """A command failed; the message is for the person who typed it, `code` is the exit code."""

    def __init__(self, message: str, code: int = EXIT_USAGE) -> None:
        super().__init__(message)
        self.exit_code = code  # type: ignore[misc]  # click declares it for the class, and reads it from the instance

    def show(self, file: IO[Any] | None = None) -> None:
        """Prints the sentence on stderr."""
        click.echo(f"elder: {cell(self.format_message())}", file=file, err=file is None)
