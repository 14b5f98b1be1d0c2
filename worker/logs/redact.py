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

from providers.token_shapes import TOKENS, USER_INFO

MASK = "***"
SHORTEST = 4
"""Fewest characters of a masked value; a secret of three letters would mask ordinary words."""

LONGEST = 64 * 1024
"""Most characters of a text. What is longer is cut before it is looked through, so that no text holds a core for long."""

CUT = " ... (cut)"
HEAD = 6
"""Characters by which the beginning of a value is recognised at the end of a text, where the text was cut."""

_KEY = r"(?:[A-Z0-9]{1,16} ){0,4}PRIVATE KEY-----"
SHAPES = (
    (re.compile(rf"-----BEGIN {_KEY}.*?(?:-----END {_KEY}|\Z)", re.DOTALL), MASK),
    (re.compile(r"(?i)\b(bearer|basic|ssws)\s{1,8}+[A-Za-z0-9._~+/=-]{8,}+"), rf"\1 {MASK}"),
    (re.compile(TOKENS), MASK),
    (re.compile(r"(?<![A-Za-z0-9_-])gAAAAA[A-Za-z0-9_-]{40,}+={0,2}"), MASK),
    (re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]*+)?|\Z)"), MASK),
    (re.compile(USER_INFO), rf"\1{MASK}@"),
    (re.compile(r"(?i)(password|passwd|secret|token|api_?key)(\"?\s{0,8}+[=:]\s{0,8}+\"?)[^\s\"',;&}]{4,}+"), rf"\1\2{MASK}"),
)
"""Shapes of secrets, with what they become. Each takes time in proportion to the text: no part is looked through again from each of its
characters, and quantifiers are possessive or bounded. `tests/worker/logs/test_logs_redact.py` holds each to that."""

_CUT_SHAPES = (
    (re.compile(r"(://[^:/@\s]{0,256}+:)[^@/\s]++\Z"), rf"\1{MASK}"),
    (re.compile(r"(?<![A-Za-z0-9_-])(?:eyJ|gAAAAA)[A-Za-z0-9_*-]*+(?:\.[A-Za-z0-9_*-]*+){0,2}\Z"), MASK),
    (re.compile(r"(?i)\b(bearer|basic|ssws)\s{1,8}+[A-Za-z0-9._~+/=-]*+\Z"), rf"\1 {MASK}"),
)
"""Shapes that a secret has when the text was cut inside it."""


class Redactor:
    """Masks secret values and shapes. Safe to use from several threads.

    A text is cut to `LONGEST` characters first. The beginning of a value at the end of a text is masked too, as the text may be cut there.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._values: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._heads: re.Pattern[str] | None = None
        self._by_head: dict[str, list[str]] = {}
        self.add(values)

    def add(self, values: Iterable[str]) -> None:
        """Adds values to mask."""
        forms = {form for value in values for form in _forms(value) if len(form) >= SHORTEST}
        with self._lock:
            if not forms <= self._values:
                self._values |= forms
                longest_first = sorted(self._values, key=len, reverse=True)
                by_head: dict[str, list[str]] = {}
                for form in longest_first:
                    if len(form) > HEAD:
                        by_head.setdefault(form[:HEAD], []).append(form)
                self._by_head = by_head
                self._heads = re.compile(f"(?=({'|'.join(map(re.escape, by_head))}))") if by_head else None
                self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def text(self, text: str) -> str:
        """Returns the text, cut to `LONGEST` characters, with secrets masked."""
        cut = len(text) > LONGEST
        text = text[:LONGEST]
        pattern = self._pattern
        if pattern is not None:
            text = self._without_beginning(pattern.sub(MASK, text))
        for shape, mask in SHAPES:
            text = shape.sub(mask, text)
        if not cut:
            return text
        for shape, mask in _CUT_SHAPES:
            text = shape.sub(mask, text)
        return text + CUT

    def _without_beginning(self, text: str) -> str:
        """The text without the beginning of a value at its end."""
        heads, by_head = self._heads, self._by_head
        if heads is None:
            return text
        longest = max(len(forms[0]) for forms in by_head.values())
        for match in heads.finditer(text, max(0, len(text) - longest)):
            end = text[match.start() :]
            if any(form.startswith(end) for form in by_head.get(match[1], ())):
                return text[: match.start()] + MASK
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
