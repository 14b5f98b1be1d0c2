"""The search language of entities: the text of `q` as terms, the same for the API, the pages and the command `elder`."""

from __future__ import annotations

import difflib
import re

from api.errors import ApiError
from worker.store import organizations
from worker.store.connection import Connection
from worker.store.search import Condition, Field, Term, condition

MAX_LENGTH, MAX_TERMS = 1000, 20
"""Characters and terms of one search."""

FIELDS: dict[str, Field] = {
    "tag": "tag",
    "attr": "attr",
    "type": "type",
    "provider": "provider",
    "org": "org",
    "region": "region",
    "account": "account",
}
EXAMPLES = {
    "tag": "tag:team=payments",
    "attr": "attr:State.Name=running",
    "type": "type:ec2_instance",
    "provider": "provider:aws",
    "org": 'org:"Cloud team"',
    "region": "region:eu-west-1",
    "account": "account:123456789012",
    "word": "web -test",
}
MEANT = {
    **dict.fromkeys(("attribute", "attributes"), "attr"),
    **dict.fromkeys(("label", "labels"), "tag"),
    **dict.fromkeys(("sub_type", "entity_type", "kind", "category"), "type"),
    **dict.fromkeys(("organization", "organisation", "organization_id"), "org"),
    **dict.fromkeys(("name", "id", "external_id"), "word"),
}
"""Names that people try in place of the fields."""

_FIELD = re.compile(r"([A-Za-z_]+):")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_BARE = re.compile(r"\S*")
_KEY = {"tag": re.compile(r"[^\s=]+"), "attr": re.compile(r"[^\s=.]+")}


class SearchError(ApiError):
    """The text of a search cannot be read; the message names the place and gives an example."""


class Reader:
    """Reads the terms of one text from left to right."""

    def __init__(self, text: str) -> None:
        self._text, self._at, self._start = text, 0, 0

    def terms(self) -> tuple[Term, ...]:
        """All terms. Raises `SearchError`."""
        found = []
        while self._skip_blanks():
            found.append(self._term())
            if len(found) > MAX_TERMS:
                raise self._error(f"a search has at most {MAX_TERMS} terms", "word")
            if self._at < len(self._text) and not self._text[self._at].isspace():
                raise self._error("a closing quote ends a term, so a blank must follow", "org")
        return tuple(found)

    def _skip_blanks(self) -> bool:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1
        self._start = self._at
        return self._at < len(self._text)

    def _term(self) -> Term:
        negated = self._text[self._at] == "-" and self._text[self._at + 1 : self._at + 2].strip() != ""
        self._at += negated
        found = None if self._ahead('"') else _FIELD.match(self._text, self._at)
        name = found[1].lower() if found else ""
        if found and name in FIELDS:
            self._at = found.end()
            return self._argument(FIELDS[name], self._start, negated)
        self._check_misspelt(name)
        return Term("word", (), self._value("word"), negated, self._start)

    def _argument(self, field: Field, start: int, negated: bool) -> Term:
        if field not in _KEY:
            value = self._value(field)
            if not value and field != "region":
                raise self._error(f"`{field}:` needs a value", field)
            return Term(field, (), value, negated, start)
        path = self._path(field)
        if not self._ahead("="):
            return Term(field, path, None, negated, start)
        self._at += 1
        return Term(field, path, self._value(field), negated, start)

    def _path(self, field: Field) -> tuple[str, ...]:
        """The key of a tag, or the keys of an attribute from the outermost on."""
        path = [self._key(field)]
        while field == "attr" and self._ahead("."):
            self._at += 1
            path.append(self._key(field))
        return tuple(path)

    def _key(self, field: Field) -> str:
        if self._ahead('"'):
            return self._quoted(field)
        found = _KEY[field].match(self._text, self._at)
        if not found:
            raise self._error(f"`{field}:` needs a name" if self._text[self._at - 1] == ":" else "a name is missing after the dot", field)
        self._at = found.end()
        return found[0]

    def _value(self, field: Field) -> str:
        if self._ahead('"'):
            return self._quoted(field)
        found = _BARE.match(self._text, self._at)
        assert found is not None
        self._at = found.end()
        return found[0]

    def _quoted(self, field: Field) -> str:
        found = _QUOTED.match(self._text, self._at)
        if not found:
            self._start = self._at
            raise self._error("the quote is not closed", "org" if field == "word" else field)
        self._at = found.end()
        return re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL)

    def _ahead(self, text: str) -> bool:
        return self._text.startswith(text, self._at)

    def _check_misspelt(self, name: str) -> None:
        """Raises `SearchError` for what is nearly a field; any other text before a colon is part of a word, as in an ARN."""
        meant = MEANT.get(name) or next(iter(difflib.get_close_matches(name, FIELDS, 1, 0.75)), "")
        if not meant:
            return
        what = "name and id are searched for by a word alone" if meant == "word" else f"`{meant}:` is meant"
        raise self._error(f"there is no field `{name}`; perhaps {what}; put a word that holds a colon in quotes", meant)

    def _error(self, sentence: str, field: str) -> SearchError:
        return refusal(self._text, self._start, sentence, field)


def refusal(text: str, start: int, sentence: str, field: str) -> SearchError:
    """The error of a term that begins at `start`."""
    rest = text[start : start + 60]
    return SearchError(
        f"the search cannot be read at character {start + 1}, `{rest}{'…' if len(text) > start + 60 else ''}`: {sentence}",
        [f"for example: {EXAMPLES[field]}"],
    )


def parse(text: str) -> tuple[Term, ...]:
    """The terms of a search; every one of them must hold. Raises `SearchError`."""
    if len(text) > MAX_LENGTH:
        raise SearchError(f"the search has {len(text)} characters, and at most {MAX_LENGTH} are read", [f"for example: {EXAMPLES['word']}"])
    return Reader(text).terms()


def conditions(connection: Connection, text: str, within: int | None = None) -> list[Condition]:
    """The conditions of a search; organizations are looked up by their names, `within` one and below it. Raises `SearchError`."""
    found = []
    for term in parse(text):
        below = organizations.named(connection, term.value or "", within) if term.field == "org" else []
        if term.field == "org" and not below:
            raise refusal(text, term.start, f"there is no organization named '{term.value}'", "org")
        found.append(condition(term, below))
    return found
