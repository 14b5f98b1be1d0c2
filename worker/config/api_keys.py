"""Keys of the API that stand in settings: the first admin key, and the one of workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

SHORTEST = 16
"""Characters of a key below which it can be guessed."""


def remarks(values: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each key that works and may not be meant: a warning at each start."""
    first = values.get("elder_api_key", "")
    if 0 < len(first) < SHORTEST:
        yield (
            f"ELDER_API_KEY has {len(first)} characters and can be guessed: take {SHORTEST} or more random ones, as "
            "`elder-worker keygen` makes them; a later release refuses it"
        )
    if first and first == values.get("elder_sync_key"):
        yield 'ELDER_SYNC_KEY is ELDER_API_KEY, so workers may do everything: take another one (docs/operations.md, "The worker\'s key")'


def unusable(values: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for a key that is refused."""
    if 0 < len(values.get("elder_sync_key", "")) < SHORTEST:
        yield f"ELDER_SYNC_KEY can be guessed: take {SHORTEST} or more random characters, as `elder-worker keygen` makes them"
