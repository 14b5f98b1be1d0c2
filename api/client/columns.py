"""The columns that text takes on a terminal: characters of East Asia and emoji take two, marks on the one before them none."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

_TALL = "\ufe0f"
"""Makes an emoji of the character before it, which then takes two columns."""

_MARKS = frozenset({"Mn", "Me"})
"""Categories of characters that are drawn onto the one before them, such as accents, and vowels of Thai and Devanagari."""

_TONES = range(0x1F3FB, 0x1F400)
"""Colours of the skin of the emoji before them."""

_JAMO = range(0x1160, 0x1200)
"""Vowels and endings of a Korean syllable, which stand in the columns of its beginning."""


def width(text: str) -> int:
    """The columns of a text, which is one line of `plain` text."""
    return len(text) if text.isascii() else sum(columns for _, columns in _characters(text))


def padded(text: str, columns: int) -> str:
    """The text, and blanks behind it up to so many columns."""
    return text + " " * (columns - width(text))


def cut(text: str, columns: int, end: str = "…") -> str:
    """The text, or as much of it as fits into so many columns with `end` behind it."""
    if width(text) <= columns:
        return text
    kept, room = "", columns - len(end)
    for character, taken in _characters(text):
        if taken > room:
            break
        kept, room = kept + character, room - taken
    return kept + end


def wrapped(text: str, columns: int, indent: str = "") -> list[str]:
    """The lines of a text of which none takes more columns, broken between words where that can be."""
    if text.isascii():
        return textwrap.wrap(text, columns, initial_indent=indent, subsequent_indent=indent)
    lines, line = [], ""
    for word in re.findall(r"\S+", text):
        joined = f"{line} {word}" if line else word
        if width(indent + joined) <= columns:
            line = joined
            continue
        if line:
            lines.append(line)
        *whole, line = _pieces(word, max(columns - len(indent), 2))
        lines += whole
    return [indent + one for one in [*lines, line] if one]


def _pieces(word: str, columns: int) -> list[str]:
    pieces, taken = [""], 0
    for character, wide in _characters(word):
        if taken + wide > columns:
            pieces.append("")
            taken = 0
        pieces[-1] += character
        taken += wide
    return pieces


def _characters(text: str) -> Iterator[tuple[str, int]]:
    """Each character with the marks on it, and its columns."""
    from unicodedata import category, east_asian_width  # noqa: PLC0415 - of no use to most commands

    base, columns = "", 0
    for one in text:
        mark = category(one) in _MARKS
        if base and (mark or _joins(one, columns)):
            base += one
            columns = 2 if one == _TALL and not (base[0].isalpha() or base[0].isspace()) else columns
            continue
        if base:
            yield base, columns
        base, columns = one, 0 if mark else 2 if east_asian_width(one) in "WF" else 1
    if base:
        yield base, columns


def _joins(character: str, columns: int) -> bool:
    """True for what a terminal draws into the two columns of the character before it."""
    number = ord(character)
    return columns == 2 and (number in _TONES or number in _JAMO)
