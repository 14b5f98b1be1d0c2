"""Plain text: what comes from elsewhere as one line that a terminal and a log show as it is."""

from __future__ import annotations

import json
import re

_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0, DEL, C1: escape sequences begin with one
    "\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # line ends, marks of direction, what is invisible
    "\ud800-\udfff\U000e0000-\U000e007f]"  # halves of a character, tags
)


def plain(text: str) -> str:
    r"""The text with each control character escaped (``\x1b``, ``\n``, ``\u202e``): it cannot move the cursor, end a line or hide."""
    return _CONTROL.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("ascii", "backslashreplace").decode() if ord(match[0]) > 0x7F else match[0].encode("unicode_escape").decode()


def plain_json(text: str) -> str:
    """The same for text that is JSON: escaped as JSON does it."""
    return _CONTROL.sub(lambda match: json.dumps(match[0])[1:-1], text)
