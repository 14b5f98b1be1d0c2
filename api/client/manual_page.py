"""Manual pages of the commands `elder` and `elder-worker`, as source of man(7): what a page has, whichever library reads the arguments."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence


@dataclasses.dataclass(frozen=True)
class Option:
    """An option, or an argument with a sentence of its own."""

    names: str
    value: str
    """The name of its value, or the values that there are; empty for a switch."""
    help: str


@dataclasses.dataclass(frozen=True)
class Command:
    """A command that does something."""

    path: str
    """The words that call it, such as ``elder runs show``."""
    usage: str
    """The options and arguments behind these words."""
    paragraphs: Sequence[str]
    options: Sequence[Option]


@dataclasses.dataclass(frozen=True)
class Manual:
    """The contents of a command's manual page."""

    summary: str
    """A few words on the command."""
    top: Command
    commands: Sequence[Command]
    lists: Mapping[str, Mapping[str, str]]
    """Title of a section -> name -> meaning."""
    see_also: str


def page(manual: Manual) -> str:
    """The manual page, as source of man(7)."""
    name = manual.top.path
    return "\n".join(
        (
            f'.TH {name.upper()} 1 "" "Elder Worker" "User Commands"',
            ".nh",  # a command that is hyphenated, or spread to both margins, cannot be copied
            ".ad l",
            ".SH NAME",
            f"{_text(name)} \\- {_text(manual.summary)}",
            ".SH SYNOPSIS",
            *_synopsis(manual.top),
            ".SH DESCRIPTION",
            *_paragraphs(manual.top),
            ".SH OPTIONS",
            *_options(manual.top),
            ".SH COMMANDS",
            *(line for command in manual.commands for line in _section(command)),
            *(line for title, entries in manual.lists.items() for line in _listed(title, entries)),
            ".SH SEE ALSO",
            _text(manual.see_also),
            "",
        )
    )


def _section(command: Command) -> Iterator[str]:
    yield f".SS {_text(command.path)}"
    yield from _synopsis(command)
    yield ".PP"
    yield from _paragraphs(command)
    yield from _options(command)


def _synopsis(command: Command) -> Iterator[str]:
    yield f".B {_text(command.path)}"
    if command.usage:
        yield f".I {_text(command.usage)}"


def _paragraphs(command: Command) -> Iterator[str]:
    for number, paragraph in enumerate(command.paragraphs):
        if number:
            yield ".PP"
        yield _text(paragraph)


def _options(command: Command) -> Iterator[str]:
    for option in command.options:
        yield ".TP"
        yield f".BI {_quoted(option.names)} {_quoted(f' {option.value}' if option.value else '')}"
        yield _text(option.help)


def _listed(title: str, entries: Mapping[str, str]) -> Iterator[str]:
    yield f".SH {title}"
    for name, meaning in entries.items():
        yield ".TP"
        yield f".B {_text(name)}"
        yield _text(meaning)


def _text(text: str) -> str:
    """Text as man(7) prints it: no character has a meaning of its own, and a long choice of values may end a line at each ``|``."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq").replace("|", "|\\:")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def _quoted(text: str) -> str:
    """Text as one argument of a macro."""
    return f'"{_text(text)}"'
