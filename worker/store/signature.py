"""Signatures: what a block of entities may have, as bits (a Bloom filter).

A signature has the bits of each part of three characters of the names, of those of the external ids, and of each attribute with its value.
Of a text such as 777777 or abab the parts of three characters are one or two, which many others have: its longer parts have bits as well.
A block that lacks a bit of what is searched for has no such entity; one that has all of them may have them by chance, so that its entities
are compared as well.
"""

from __future__ import annotations

import decimal
import re
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

PART_BITS, VALUE_BITS = 2048, 8192
"""Bits of the names or of the external ids, and bits of the attributes. With names and ids of random digits, 35 % of the former are set."""

REPEAT_BITS = 128
"""Bits of parts that repeat one or two characters, of names and external ids together."""

HASHES = 3
"""Bits of an attribute with its value."""

_REPEATS = re.compile(r"(?=((.)(.)\2\3(?:\2\3?)?))", re.DOTALL)
"""Parts of four to six characters, such as 7777 and ababa, wherever they begin."""

SCALAR = re.compile(r"-?(0|[1-9]\d{0,17})(\.\d{1,17})?|true|false|null")
"""Text that is a number or a word of JSON as well."""

Path = tuple[str, ...]
"""Keys of an attribute, from the outermost on."""

_LITERALS = {None: "null", True: "true", False: "false"}
_WORDS = frozenset(_LITERALS.values())
_DECODER = msgspec.json.Decoder(dict[str, Any], float_hook=decimal.Decimal)

_IN_TEXT = str.maketrans({"\u212a": "k", "\u0130": "i", "\u0131": "i"})
"""Kelvin, and the i that has a dot as a capital or none as a small letter: by some rules their other case is a letter of ASCII."""

_IN_WORD = str.maketrans({"\u212a": "k", "\u0131": "i"})
"""The same in what is searched for: by some rules the capital with a dot is two characters, and the texts need not have an i."""


class Needle(NamedTuple):
    """Bits of what is searched for, as PostgreSQL reads them: of a part of names and ids and of what repeats in it, or of an attribute."""

    part: str = ""
    repeats: str = ""
    attribute: str = ""


class Bits(NamedTuple):
    """The bits of a signature, as PostgreSQL reads them."""

    names: str
    ids: str
    repeats: str
    attributes: str


def of_word(word: str) -> Needle | None:
    """The needle of a part of a name or an external id; None where it has no three characters of ASCII in a row."""
    bits, repeats = _word_bits((word.translate(_IN_WORD),))
    if not bits:
        return None
    return Needle(part=_written(bits, PART_BITS), repeats=_written(repeats, REPEAT_BITS) if repeats else "")


def of_attribute(path: Path, value: str | None) -> Needle:
    """The needle of an attribute that has a value, as it is typed; None for any value."""
    key = "".join(map(_key, path))
    return Needle(attribute=_written(_bits(key if value is None else f"{key}={_canonical(value)}"), VALUE_BITS))


class Signature:
    """The signature of a block, made of one entity after the other."""

    def __init__(self) -> None:
        self.entities = 0
        self._names, self._ids, self._attributes = set[str](), set[str](), set[str]()
        self._unreadable = False

    def add(self, name: str, external_id: str, attributes: str) -> None:
        """Adds an entity; `attributes` is an object of JSON."""
        self.entities += 1
        self._names.add(name)
        self._ids.add(external_id)
        try:
            self._attributes |= paths(_DECODER.decode(attributes))
        except (msgspec.DecodeError, RecursionError):
            self._unreadable = True

    def bits(self) -> Bits:
        """The bits; all of the attributes where those of an entity could not be read, so that nothing is missed."""
        names, in_names = _word_bits(text.translate(_IN_TEXT) for text in self._names)
        ids, in_ids = _word_bits(text.translate(_IN_TEXT) for text in self._ids)
        attributes = range(VALUE_BITS) if self._unreadable else (bit for path in self._attributes for bit in _bits(path))
        repeats = _written(in_names | in_ids, REPEAT_BITS)
        return Bits(_written(names, PART_BITS), _written(ids, PART_BITS), repeats, _written(attributes, VALUE_BITS))


def paths(attributes: dict[str, Any]) -> set[str]:
    """Each path of attributes, and each with its value; items of lists are at the list's path, as the search sees them."""
    found: set[str] = set()
    left: list[tuple[str, Any]] = [("", attributes)]
    while left:
        path, value = left.pop()
        if isinstance(value, dict):
            inner = [(path + _key(name), item) for name, item in value.items()]
            found.update(key for key, _ in inner)
            left += inner
        elif isinstance(value, list):
            left += [(path, item) for item in value]
        else:
            found.add(f"{path}={_text(value)}")
    return found


def _key(name: str) -> str:
    return f"{name}\0"


def _text(value: Any) -> str:
    if isinstance(value, str):
        return _canonical(value)
    if isinstance(value, decimal.Decimal):
        return _number(f"{value:f}")
    return _LITERALS[value] if value is None or isinstance(value, bool) else str(value)


def _canonical(value: str) -> str:
    """One text for all ways to type a number, as the search finds it as a number too."""
    return _number(value) if SCALAR.fullmatch(value) and value not in _WORDS else value


def _number(digits: str) -> str:
    """The shortest way to write a number that has no exponent."""
    short = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return "0" if short == "-0" else short


def _word_bits(texts: Iterable[str]) -> tuple[set[int], set[int]]:
    """Bits of the parts of three characters of texts in lower case, and of the parts that repeat some; of those that are all ASCII."""
    text = "\uffff".join(texts).lower()
    parts = {text[at : at + 3] for at in range(len(text) - 2)}
    longest = {found[0] for found in _REPEATS.findall(text)}
    repeats = {part[:size] for part in longest for size in range(4, len(part) + 1)}
    return _hashed(parts, PART_BITS), _hashed(repeats, REPEAT_BITS)


def _hashed(parts: Iterable[str], size: int) -> set[int]:
    return {zlib.crc32(part.encode()) % size for part in parts if part.isascii()}


def _bits(path: str) -> Iterator[int]:
    """Bits of a path or of one with its value: sums of the two halves of a hash."""
    hashed = zlib.crc32(path.encode())
    return (((hashed & 0xFFFF) + number * (hashed >> 16 | 1)) % VALUE_BITS for number in range(HASHES))


def _written(bits: Iterable[int], size: int) -> str:
    made = bytearray(size // 8)
    for bit in bits:
        made[bit >> 3] |= 0x80 >> (bit & 7)
    return "x" + made.hex()
