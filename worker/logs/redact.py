"""Redacts secrets from text before it is logged, stored or shown.

It masks known values (longest first, so that a short secret inside a long one leaves no remainder), also as encoded in URLs, base64 and
JSON, and text with the shape of a secret.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST = 4
"""Fewest characters of a masked value; a secret of three letters would mask ordinary words."""

_SHAPES = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), MASK),
    (re.compile(r"(?i)\b(bearer|basic|ssws)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {MASK}"),
    (re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b"), MASK),
    (re.compile(r"\bgAAAAA[A-Za-z0-9_-]{40,}={0,2}"), MASK),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"), MASK),
    (re.compile(r"(://[^:/@\s]*:)[^@/\s]+@"), rf"\1{MASK}@"),
    (re.compile(r"(?i)(password|passwd|secret|token|api_?key)(\"?\s*[=:]\s*\"?)[^\s\"',;&}]{4,}"), rf"\1\2{MASK}"),
)


class Redactor:
    """Masks secret values and shapes. Safe to use from several threads."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._values: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.add(values)

    def add(self, values: Iterable[str]) -> None:
        """Adds values to mask."""
        forms = {form for value in values for form in _forms(value) if len(form) >= SHORTEST}
        with self._lock:
            if not forms <= self._values:
                self._values |= forms
                longest_first = sorted(self._values, key=len, reverse=True)
                self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def text(self, text: str) -> str:
        """Returns the text with secrets masked."""
        pattern = self._pattern
        if pattern is not None:
            text = pattern.sub(MASK, text)
        for shape, mask in _SHAPES:
            text = shape.sub(mask, text)
        return text


def _forms(value: str) -> Iterator[str]:
    """Yields the forms of a value: plain, by line, in a URL, in JSON, as Python's repr of text and bytes, in base64 at each offset.

    Each form is also yielded as encoded in JSON again, because an SDK's debug log encodes its headers twice.
    """
    for plain in {value, *value.splitlines(), value.strip()}:
        data = plain.encode("utf-8", "surrogatepass")
        spelt = {plain, quote(plain, safe="", errors="surrogatepass"), quote_plus(plain, errors="surrogatepass"), json.dumps(plain)[1:-1]}
        spelt |= {json.dumps(plain, ensure_ascii=False)[1:-1], repr(plain)[1:-1], ascii(plain)[1:-1], repr(data)[2:-1]}
        yield from spelt
        yield from (json.dumps(form, ensure_ascii=False)[1:-1] for form in spelt)
        if len(plain) >= 2 * SHORTEST:
            yield from _in_base64(data)


def _in_base64(data: bytes) -> Iterator[str]:
    """Yields the part of the base64 encoding that does not depend on the surrounding text, for each alignment."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for offset in range(3):
            encoded = encode(b"\0" * offset + data).decode().rstrip("=")
            start = (0, 2, 3)[offset]
            end = len(encoded) if (offset + len(data)) % 3 == 0 else len(encoded) - 1
            yield encoded[start:end]
