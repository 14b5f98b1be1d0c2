"""Colours of statuses, on a terminal only."""

from __future__ import annotations

import os
import sys

_COLUMNS = frozenset({"status", "state", "outcome", "last_outcome", "operation", "level"})
"""Fields whose values are words of `_CODES`."""

_CODES = {
    **dict.fromkeys(("completed", "complete", "current", "delivered", "created", "restored"), 32),
    **dict.fromkeys(("running", "pending"), 36),
    **dict.fromkeys(
        ("partial", "parked", "cancelled", "abandoned", "updated", "warning", "denied", "throttled", "timeout", "not_reached"), 33
    ),
    **dict.fromkeys(("error", "critical", "deleted", "given_up"), 31),
}
"""Codes of ISO 6429: 31 red, 32 green, 33 yellow, 36 cyan. What has none is printed as all other text."""


def wanted() -> bool:
    """True on a terminal that shows colours, unless NO_COLOR is set (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def painted(field: str, text: str) -> str:
    """The text, coloured where it is a status that has a colour."""
    code = _CODES.get(text) if field in _COLUMNS else None
    return text if code is None or not wanted() else f"\033[{code}m{text}\033[0m"
