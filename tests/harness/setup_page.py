"""A page that says how to give access to a source: its commands, its job configs and its table of denials, for a test of each page."""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import json
import pathlib
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

from document import blocks, commands

from providers.errors import ProviderError, ScopeError

ROOT = pathlib.Path(__file__).resolve().parents[2]
VENDORS = ROOT / "tests" / "docs" / "vendor_commands.txt"
HERE_DOCUMENT = re.compile(r"<<'(\w+)'\n(.*?)\n\1", re.DOTALL)


class SetupPage:
    """One page, as a reader uses it."""

    def __init__(self, name: str) -> None:
        self.path = ROOT / name
        self.text = self.path.read_text()
        self.commands = [command.text for block in blocks(self.path) if block.language == "bash" for command in commands(block)]

    def of(self, program: str) -> list[str]:
        """The commands that begin with a program."""
        return [text for text in self.commands if text.startswith(f"{program} ")]

    def calls(self, *programs: str) -> list[list[str]]:
        """Every call of some programs, as its words: also behind a pipe, and without where its output goes."""
        return [words for text in self.commands for words in calls(text) if words and words[0] in programs]

    def documents(self) -> list[str]:
        """The here-documents of the commands."""
        return [found[2] for text in self.commands for found in HERE_DOCUMENT.finditer(text)]

    def jobs(self) -> list[dict[str, Any]]:
        """The bodies of the requests that create a job."""
        return [json.loads(re.search(r"-d '(.*?)'$", text, re.DOTALL)[1]) for text in self.of("curl")]

    def pairs(self) -> list[dict[str, Any]]:
        """The keys of a config that the text names with a value."""
        return [json.loads(f"{{{pair}}}") for pair in re.findall(r"`(\"\w+\": [^`]+)`", self.text)]

    def environments(self) -> list[dict[str, str]]:
        """The variables of the worker that the page sets: those of each block of the language `ini`."""
        texts = [block.text for block in blocks(self.path) if block.language == "ini"]
        return [dict(line.split("=", 1) for line in text.splitlines()) for text in texts]

    def settings(self) -> dict[str, str]:
        """All of these variables together."""
        return {name: value for environment in self.environments() for name, value in environment.items()}

    def denials(self) -> list[tuple[str, str]]:
        """The rows of the table of denials: the cell that has the outcome, and the words of the sentence."""
        return re.findall(r"^\| ([^|]+) \| \"([^\"]+)\" \|", self.text, re.MULTILINE)

    def untold(self, told: Iterable[tuple[str, str]]) -> list[str]:
        """The rows of denials that are not among the outcomes and sentences that our code tells."""
        said = list(told)
        return [
            words
            for where, words in self.denials()
            if not any(outcome and f"`{outcome}`" in where and words in sentence for outcome, sentence in said)
        ]


def raised(*modules: ModuleType) -> Iterator[tuple[str, str]]:
    """The errors that modules make, with the words of their sentences as they stand there: by their outcome, and as what ends a run."""
    for module in modules:
        nodes = list(ast.walk(ast.parse(inspect.getsource(module))))
        named = {ast.unparse(node.targets[0]): node.value for node in nodes if isinstance(node, ast.Assign)}
        for node in nodes:
            kind = getattr(module, node.func.id, None) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else None
            if not isinstance(kind, type) or not issubclass(kind, ProviderError) or not node.args:
                continue
            parts = [node.args[0], *(named[one.id] for one in ast.walk(node.args[0]) if isinstance(one, ast.Name) and one.id in named)]
            words = " ".join(map(_words, parts))
            yield kind.error_kind, words
            if issubclass(kind, ScopeError):
                yield kind.outcome.value, words


def _words(tree: ast.AST) -> str:
    """The texts in an expression, which may be an f-string."""
    return "".join(part.value for part in ast.walk(tree) if isinstance(part, ast.Constant) and isinstance(part.value, str))


def calls(text: str) -> Iterator[list[str]]:
    """The calls of a command line, as words."""
    lexer = shlex.shlex(HERE_DOCUMENT.sub("", text.replace("\\\n", " ")), posix=True, punctuation_chars="|&>")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if word in ("|", "&&", "||"):
            yield words
            words = []
        else:
            words.append(word)
    yield words


@dataclasses.dataclass(frozen=True)
class VendorCommand:
    """The syntax of a command of a vendor's tool: positional arguments, flags, and groups of flags of which one must be given."""

    words: tuple[str, ...]
    least: int
    most: int
    flags: frozenset[str]
    needed: tuple[frozenset[str], ...]

    def faults(self, rest: list[str]) -> Iterator[str]:
        """The faults of the words behind the command, a sentence each."""
        given, positional = _sorted_out(rest)
        yield from (f"no such flag: {flag}" for flag in given if flag not in self.flags)
        yield from (f"missing: {' or '.join(sorted(group))}" for group in self.needed if not group & given.keys())
        if not self.least <= len(positional) <= self.most:
            yield f"positional arguments: {positional}"


def _sorted_out(rest: list[str]) -> tuple[dict[str, str], list[str]]:
    """Flags with their values, and positional arguments. Where the output goes belongs to the shell."""
    given: dict[str, str] = {}
    positional: list[str] = []
    flag = ""
    for word in rest[: rest.index(">")] if ">" in rest else rest:
        if word.startswith("-") and len(word) > 1:
            flag, has_value, value = word.partition("=")
            given[flag] = value
            flag = "" if has_value else flag
        elif flag:
            given[flag] = f"{given[flag]} {word}".strip()
            flag = flag if flag in LISTS else ""
        else:
            positional.append(word)
    return given, positional


LISTS = frozenset({"--api-permissions"})
"""Flags of `az` that take several values."""


@functools.cache
def vendor_commands() -> Mapping[tuple[str, ...], VendorCommand]:
    """The commands in tests/docs/vendor_commands.txt."""
    lines = [line for line in VENDORS.read_text().splitlines() if line and not line.startswith("#")]
    return {one.words: one for one in map(_read, lines)}


def _read(line: str) -> VendorCommand:
    words, count, flags = (part.strip() for part in line.split("|"))
    least, _, most = count.partition("-")
    groups = [frozenset(group.rstrip("!").split("/")) for group in flags.split()]
    needed = tuple(group for group, text in zip(groups, flags.split(), strict=True) if text.endswith("!"))
    return VendorCommand(tuple(words.split()), int(least), int(most or least), frozenset().union(*groups), needed)


def vendor_faults(words: list[str]) -> list[str]:
    """The faults of a call of a vendor's tool, a sentence each."""
    known = vendor_commands()
    size = next((size for size in range(len(words), 0, -1) if tuple(words[:size]) in known), 0)
    return list(known[tuple(words[:size])].faults(words[size:])) if size else [f"not in {VENDORS.name}: {' '.join(words[:6])}"]
