"""Counts in sentences: one thing and several have different nouns and verbs."""

from __future__ import annotations

VOWELS = "aeiou"


def counted(count: int, noun: str) -> str:
    """The count with its noun, such as `1 entity` and `0 keys`. The last word of the noun is put into the plural."""
    return f"{count} {noun if count == 1 else _several(noun)}"


def counted_are(count: int, noun: str, *, past: bool = False) -> str:
    """The same with its verb: `1 scope is`, `2 scopes are`; in the past `was` and `were`."""
    return f"{counted(count, noun)} {are(count, past=past)}"


def are(count: int, *, past: bool = False) -> str:
    """The verb to be of so many things."""
    return ("was" if past else "is") if count == 1 else ("were" if past else "are")


def _several(noun: str) -> str:
    if noun.endswith("y") and noun[-2:-1] not in VOWELS:
        return f"{noun[:-1]}ies"
    return f"{noun}s"
