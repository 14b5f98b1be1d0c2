"""Secrets that a provider learns on its way, from a file or a token endpoint: whoever runs it hears of each, and tells none of them.

Those in a job's config need no mention: its schema marks them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

_listeners: list[Callable[[Iterable[str]], None]] = []


def listen(hear: Callable[[Iterable[str]], None]) -> None:
    """`hear` is given every secret from now on, on the thread that learns it."""
    _listeners.append(hear)


def ignore(hear: Callable[[Iterable[str]], None]) -> None:
    """`hear` is given none any more."""
    _listeners.remove(hear)


def learned(*secrets: str | None) -> None:
    """A provider has these in its hands; those that are empty do not count."""
    found = [secret for secret in secrets if secret]
    for hear in tuple(_listeners):
        hear(found)
