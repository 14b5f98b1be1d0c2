"""Values in PostgreSQL's text format of COPY."""

from __future__ import annotations

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def text(value: str) -> str:
    """A text column. Most values have nothing to escape, and are returned as they are."""
    return value if value.isprintable() and "\\" not in value else value.translate(_ESCAPES)


def json(encoded: bytes) -> bytes:
    """A JSON column: JSON itself escapes tabs and line ends, so that backslashes are what is left."""
    return encoded.replace(b"\\", b"\\\\")
