"""Counts in sentences: one thing and several have different nouns and verbs."""

from __future__ import annotations

from collections.abc import Mapping

VOWELS = "aeiou"


def counted(count: int, noun: str) -> str:
    """The count with its noun, such as `1 entity` and `0 keys`. The last word of the noun is put into the plural."""
    return f"{count} {noun if count == 1 else _several(noun)}"


def counted_are(count: int, noun: str, *, past: bool = False) -> str:
    """The same with its verb: `1 scope is`, `2 scopes are`; in the past `was` and `were`."""
    return f"{counted(count, noun)} {are(count, past=past)}"


def largest(counts: Mapping[str, int], most: int = 8) -> str:
    """The names with the highest counts, so many at most: `3 ec2_instance, 1 vpc`."""
    found = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{count} {name}" for name, count in found[:most]) + (", ..." if len(found) > most else "")


def are(count: int, *, past: bool = False) -> str:
    """The verb to be of so many things."""
    return ("was" if past else "is") if count == 1 else ("were" if past else "are")


def _several(noun: str) -> str:
    if noun.endswith("y") and noun[-2:-1] not in VOWELS:
        return f"{noun[:-1]}ies"
    return f"{noun}s"
