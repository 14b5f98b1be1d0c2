"""``--watch``: what a command shows is shown again and again, in place, on a terminal."""

from __future__ import annotations

import contextlib
import functools
import io
import shutil
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import click

from api.client.errors import EXIT_UNREACHABLE, ClientError
from worker.logs.cells import cell

EVERY = 2.0
"""Seconds between two looks, where none are named."""

_BEGIN, _END = "\033[?1049h\033[?25l\033[?7l", "\033[?7h\033[?25h\033[?1049l"
"""The terminal's second screen without cursor and line breaks of its own, and back to the first, which is as it was."""
_HOME, _REST_OF_LINE, _REST_OF_SCREEN = "\033[H", "\033[K", "\033[J"


class _Picture(io.StringIO):
    """Text that is to be drawn on a terminal, and is made as for one."""

    def isatty(self) -> bool:
        return True


def watched(command: Callable[..., None]) -> Any:
    """Adds the option ``--watch`` to a command that shows something and changes nothing."""

    @functools.wraps(command)
    def carry_out(*session: Any, watch: float | None, **arguments: Any) -> None:
        look = functools.partial(command, *session, **arguments)
        look() if watch is None else _repeat(look, watch)

    option = click.option(
        "--watch",
        type=click.FloatRange(min=0.1),
        is_flag=False,
        flag_value=EVERY,
        metavar="[SECONDS]",
        help=f"Show it again every {EVERY:g} SECONDS, in place, until Ctrl-C; on a terminal only.",
    )
    return option(carry_out)


def _repeat(look: Callable[[], None], every: float) -> None:
    """Draws what `look` prints until it is interrupted. An API that is away is said in the first line, and asked again."""
    if not sys.stdout.isatty():
        raise ClientError("--watch draws on a terminal; in a pipe, repeat the command: while elder ...; do sleep 5; done")
    path, screen, picture = click.get_current_context().command_path, sys.stdout, ""
    before = signal.signal(signal.SIGTERM, _ended)
    screen.write(_BEGIN)
    try:
        while True:
            state = time.strftime("%H:%M:%S")
            try:
                picture = _picture(look)
            except ClientError as error:
                if error.exit_code != EXIT_UNREACHABLE or not picture:
                    raise
                state += f": {error.format_message()}"
            _draw(screen, cell(f"{path}, every {every:g} s, {state}"), picture.splitlines())
            time.sleep(every)
    finally:
        screen.write(_END)
        screen.flush()
        signal.signal(signal.SIGTERM, before)


def _ended(number: int, _frame: object) -> None:
    """Ends the command as the signal would, once the terminal is as it was."""
    raise SystemExit(128 + number)


def _picture(look: Callable[[], None]) -> str:
    picture = _Picture()
    with contextlib.redirect_stdout(picture), contextlib.redirect_stderr(picture):
        look()
    return picture.getvalue() or "\n"


def _draw(screen: Any, head: str, lines: list[str]) -> None:
    """Draws over what is there, line by line, so that nothing flickers. What has no room is counted in the last line."""
    room = shutil.get_terminal_size().lines - 2
    if len(lines) > room:
        lines = [*lines[: room - 1], f"... and {len(lines) - room + 1} more lines"]
    screen.write(_HOME + f"{_REST_OF_LINE}\n".join([head, "", *lines]) + _REST_OF_SCREEN)
    screen.flush()
