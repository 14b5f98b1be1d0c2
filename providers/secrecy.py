"""Secrets that a provider reads on its way, from a file or a token endpoint: it registers each, so that no log line or message shows it.

Secrets in a job's config need no registration: its schema marks them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

_listeners: list[Callable[[Iterable[str]], None]] = []


def add_listener(listener: Callable[[Iterable[str]], None]) -> None:
    """Calls `listener` with every secret from now on, on the thread that registers it."""
    _listeners.append(listener)


def remove_listener(listener: Callable[[Iterable[str]], None]) -> None:
    """Calls `listener` no more."""
    _listeners.remove(listener)


def register_secret(*secrets: str | None) -> None:
    """Passes secrets to every listener; empty ones are left out."""
    found = [secret for secret in secrets if secret]
    for listener in tuple(_listeners):
        listener(found)
