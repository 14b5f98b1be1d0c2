"""Reads a Markdown document as what a reader would type: sections, code blocks, commands."""

from __future__ import annotations

import dataclasses
import pathlib
import re
from collections.abc import Iterator


@dataclasses.dataclass(frozen=True)
class Block:
    """One fenced block, with the headings above it and its first line's number."""

    section: str
    language: str
    text: str
    line: int


@dataclasses.dataclass(frozen=True)
class Command:
    """One command of a shell block; `text` is all of it, continuation lines and here-documents included."""

    section: str
    text: str
    line: int

    @property
    def first_line(self) -> str:
        """For a table."""
        return self.text.splitlines()[0]


def blocks(path: pathlib.Path) -> Iterator[Block]:
    """Every fenced block of the document."""
    headings: dict[int, str] = {}
    fence: list[str] | None = None
    language, start = "", 0
    for number, line in enumerate(path.read_text().splitlines(), 1):
        mark = re.match(r"\s*```(\w*)", line)
        if fence is not None and mark:
            yield Block(_section(headings), language, "\n".join(fence), start)
            fence = None
        elif fence is not None:
            fence.append(line)
        elif mark:
            fence, language, start = [], mark[1], number + 1
        elif heading := re.match(r"(#+) (.*)", line):
            level = len(heading[1])
            headings = {k: v for k, v in headings.items() if k < level} | {level: heading[2]}
    assert fence is None, "a code block has no end"


def _section(headings: dict[int, str]) -> str:
    return " / ".join(title for level, title in sorted(headings.items()) if level > 1)


def commands(block: Block) -> Iterator[Command]:
    """The commands of a shell block: comments dropped, quotes, backslashes and here-documents kept together."""
    pending: list[str] = []
    start = block.line
    for offset, line in enumerate(block.text.splitlines()):
        if not pending and (not line.strip() or line.lstrip().startswith("#")):
            continue
        if not pending:
            start = block.line + offset
        pending.append(line)
        if _ended("\n".join(pending)):
            yield Command(block.section, "\n".join(pending), start)
            pending = []
    assert not pending, f"line {start}: the command has no end"


def _ended(text: str) -> bool:
    here = re.search(r"<<\s*'?(\w+)'?", text)
    if here:
        return text.splitlines()[-1].strip() == here[1] and "\n" in text
    if text.endswith("\\"):
        return False
    return text.count("'") % 2 == 0 and text.count('"') % 2 == 0 and text.count("{") <= text.count("}")
