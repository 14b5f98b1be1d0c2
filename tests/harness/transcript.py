"""Transcripts of commands, as texts to be read and kept: in a pipe, and on a terminal as an emulator shows it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

import pyte
from command_runner import Done

COLUMNS = 80
_LINES = 400
_NAMES = {"brown": "yellow"}
"""Names of colours that the emulator has others for."""
_PLACEHOLDERS = (
    (re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), "2026-01-31T12:00:00.000000Z"),
    (re.compile(r"(?<![\d-])\d\d-\d\d \d\d:\d\d(?!:)"), "01-31 12:00"),
    (re.compile(r"(elder_)[\w-]{43}\b"), r"\1" + "k" * 43),
    (re.compile(r"(elder_)(?!k{43})[\w-]{6}\b"), r"\1prefix"),
    (re.compile(r"(whsec_)[\w+/=]+"), r"\1secret"),
    (re.compile(r"[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}"), "00000000-0000-0000-0000-000000000000"),
)
"""Patterns of texts that differ each time, and the placeholder of each; as wide as they are, since tables are aligned by them."""


def same(text: str) -> str:
    """The text with the placeholders in place of times, keys and secrets."""
    for pattern, placeholder in _PLACEHOLDERS:
        text = pattern.sub(placeholder, text)
    return text


def in_pipe(arguments: Sequence[str], done: Done) -> str:
    """The transcript of a command in a pipe: stdout, stderr behind ``2>``, and the exit code where it is not 0."""
    lines = [f"$ elder {shlex.join(arguments)}", *done.stdout.splitlines(), *(f"2> {line}" for line in done.stderr.splitlines())]
    return same(_text([*lines, *_code(done)]))


def on_terminal(arguments: Sequence[str], done: Done) -> str:
    """The transcript of a command on a terminal: what stays on the screen, with the names of colours around what has one."""
    screen = shown(same(done.stdout))
    lines = [_coloured(screen.buffer[number], screen.columns) for number in range(screen.cursor.y + (screen.cursor.x > 0))]
    return _text([f"$ elder {shlex.join(arguments)}", *lines, *_code(done)])


def shown(said: str, lines: int = _LINES) -> pyte.Screen:
    """A screen after all that a command has sent to it."""
    screen = pyte.Screen(COLUMNS, lines)
    pyte.Stream(screen).feed(said)
    return screen


def _coloured(line, columns: int) -> str:
    text, colour = "", "default"
    for number in range(columns):
        character = line[number]
        if character.fg != colour:
            text += ("" if colour == "default" else "</>") + (
                "" if character.fg == "default" else f"<{_NAMES.get(character.fg, character.fg)}>"
            )
            colour = character.fg
        text += character.data
    return text + ("" if colour == "default" else "</>")


def _code(done: Done) -> Iterator[str]:
    if done.code:
        yield f"(exit code {done.code})"


def _text(lines: Sequence[str]) -> str:
    return "".join(f"{line.rstrip()}\n" for line in lines).rstrip("\n") + "\n"
