"""Durations as people give them: ``7d``, ``12h``, ``30m`` or ``90s``."""

from __future__ import annotations

import re

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds(name: str, text: str) -> float:
    """The seconds of a duration such as ``7d``; `name` is the parameter's. Raises `ValueError`."""
    match = re.fullmatch(r"([0-9]{1,5})([smhd])", text)
    if match is None:
        raise ValueError(f"`{name}` is a number and a unit: 7d, 12h, 30m or 90s")
    return float(int(match[1]) * _UNITS[match[2]])
