"""Distinguished names: two spellings of one name are equal here (RFC 4514 for the text, RFC 4517 and 4518 for what matches).

Case, spaces around a value, runs of spaces within it, the way in which a character is escaped, the order of the parts of a multi-valued
RDN, and the long or numeric name of an attribute type do not count. The values of the few attribute types whose matching rule is exact
keep their case.
"""

from __future__ import annotations

import functools
import re
import stringprep
import unicodedata
from collections.abc import Iterator

_SIMPLE = re.compile(r"(?! )(?:[!$-*,-\[\]-~]| (?! ))*")
"""Printable ASCII without what makes an RDN hard to read: nearly every RDN is such a text."""

_PAIR = re.compile(r'\\(?:[0-9A-Fa-f]{2}|[ "#+,;<=>\\])')
_QUOTED = re.compile(r'\s*"((?:[^"\\]|\\.)*)"\s*', re.DOTALL)
_VALUE = re.compile(r"(?:[^\\,+]|\\[0-9A-Fa-f]{2}|\\[^0-9A-Fa-f]|\\[0-9A-Fa-f](?![0-9A-Fa-f]))*")
_SPECIAL = re.compile(r'[\\,+"]')
_TYPE = re.compile(r"\s*([A-Za-z][A-Za-z0-9-]*|(?:[Oo][Ii][Dd]\.)?\d+(?:\.\d+)+)\s*=")
_FIRST_RDN = re.compile(r"(?:[^,\\]+|\\.)*", re.DOTALL)

_NAMES = {
    "commonname": "cn", "2.5.4.3": "cn", "surname": "sn", "2.5.4.4": "sn", "countryname": "c", "2.5.4.6": "c", "localityname": "l",
    "2.5.4.7": "l", "stateorprovincename": "st", "2.5.4.8": "st", "streetaddress": "street", "2.5.4.9": "street",
    "organizationname": "o", "2.5.4.10": "o", "organizationalunitname": "ou", "2.5.4.11": "ou", "2.5.4.5": "serialnumber",
    "2.5.4.42": "givenname", "gn": "givenname", "userid": "uid", "0.9.2342.19200300.100.1.1": "uid", "domaincomponent": "dc",
    "0.9.2342.19200300.100.1.25": "dc", "rfc822mailbox": "mail", "0.9.2342.19200300.100.1.3": "mail", "email": "emailaddress",
    "1.2.840.113549.1.9.1": "emailaddress",
}  # fmt: skip
"""The other names of attribute types that entries are named by -> the short name."""

_EXACT = frozenset({"automountkey", "automountmapname", "labeleduri", "memberuid"})
"""Attribute types whose matching rule is exact."""

_STRINGS = {4: "utf-8", 12: "utf-8", 19: "ascii", 20: "latin-1", 22: "ascii", 26: "ascii", 30: "utf-16-be"}
"""BER tags of strings -> their encoding."""


class DnError(ValueError):
    """The text is not a distinguished name."""


def normal(dn: str) -> str:
    """The one form of all spellings of a name, for comparing. Raises `DnError`."""
    if '"' in dn:  # a comma within quotes ends no RDN
        return _whole(dn)
    first, comma, rest = _split(dn)
    if comma != ",":  # the only RDN, or an escape that does not end
        return _rdn(dn) if dn.strip() else ""
    if not first.strip() or not rest.strip():
        raise DnError(f"'{dn[:200]}' begins or ends with a comma")
    return f"{_rdn(first)},{_parents(rest)}"


def parent(dn: str) -> str:
    """The name of the entry that contains this one, both in the form of `normal`; empty at the top."""
    return _split(dn)[2]


def ancestors(dn: str) -> Iterator[str]:
    """The names of the entries that contain this one, the nearest first."""
    while dn := parent(dn):
        yield dn


def _split(dn: str) -> tuple[str, str, str]:
    """The first RDN, the comma after it if there is one, and the rest."""
    if "\\" not in dn:
        return dn.partition(",")
    found = _FIRST_RDN.match(dn)
    assert found  # it matches the empty text too
    end = found.end()
    return dn[:end], dn[end : end + 1], dn[end + 1 :]


def _rdn(text: str) -> str:
    if not _SIMPLE.fullmatch(text):
        return _whole(text)
    name, equals, value = text.lower().partition("=")
    name = name.strip()
    if not equals or not _TYPE.fullmatch(name + "=") or _short(name) in _EXACT:
        return _whole(text)
    return f"{_short(name)}={value.strip()}"


def _whole(dn: str) -> str:
    return ",".join(map(_joined, _rdns(dn)))


_parents = functools.lru_cache(maxsize=10_000)(_whole)
"""`_whole` for the names of units, each of which contains many entries."""


def _short(name: str) -> str:
    name = name.lower().removeprefix("oid.")
    return _NAMES.get(name, name)


def _joined(rdn: list[tuple[str, str]]) -> str:
    return "+".join(sorted(f"{name}={value}" for name, value in rdn))


def _text(name: str, value: str) -> str:
    """A value that is text, as it stands in the normal form."""
    escaped = _SPECIAL.sub(r"\\\g<0>", _compared(name, value))
    return f"\\{escaped}" if escaped.startswith("#") else escaped


def _rdns(dn: str) -> Iterator[list[tuple[str, str]]]:
    """The RDNs from left to right, each a list of attribute type and value as they are compared."""
    if not dn.strip():
        return
    position, rdn = 0, list[tuple[str, str]]()
    while True:
        found = _TYPE.match(dn, position)
        if not found:
            raise DnError(f"'{dn[:200]}' has no attribute type where one must stand (at character {position + 1})")
        name = _short(found[1])
        value, position = _value(name, dn, found.end())
        rdn.append((name, value))
        separator = dn[position : position + 1]
        if separator != "+":
            yield rdn
            rdn = []
        if not separator:
            return
        position += 1


def _value(name: str, dn: str, start: int) -> tuple[str, int]:
    """The value that begins at `start`, as it stands in the normal form, and where it ends."""
    quoted = _QUOTED.match(dn, start)
    if quoted and dn[quoted.end() : quoted.end() + 1] in ("", ",", "+"):
        return _unescaped(name, quoted[1]), quoted.end()
    found = _VALUE.match(dn, start)
    assert found  # it matches the empty text too
    if found.end() < len(dn) and dn[found.end()] not in ",+":
        raise DnError(f"'{dn[:200]}' ends within an escape")
    text = found[0]
    value = _encoded(name, text.strip()[1:]) if text.lstrip().startswith("#") else _unescaped(name, _stripped(text))
    return value, found.end()


def _stripped(text: str) -> str:
    """Strips the spaces around a value; an escaped one stays."""
    left = text.lstrip()
    right = left.rstrip()
    escapes = len(right) - len(right.rstrip("\\"))
    return right + " " if escapes % 2 and len(right) < len(left) else right


def _unescaped(name: str, text: str) -> str:
    """The characters that a text with escapes stands for; bytes that are not UTF-8 as hexadecimal digits."""
    pieces = bytearray()
    position = 0
    for pair in _PAIR.finditer(text):
        pieces += text[position : pair.start()].encode(errors="surrogatepass")
        pieces += bytes.fromhex(pair[0][1:]) if len(pair[0]) == 3 else pair[0][1:].encode()
        position = pair.end()
    pieces += text[position:].encode(errors="surrogatepass")
    try:
        return _text(name, pieces.decode())
    except UnicodeDecodeError:
        return "#04" + pieces.hex()  # compared byte for byte


def _encoded(name: str, digits: str) -> str:
    """The value of ``#`` and hexadecimal digits, which are its BER encoding; the digits themselves where it is not a string."""
    try:
        data = bytes.fromhex(digits)
    except ValueError:
        raise DnError(f"'#{digits[:100]}' is not a hexadecimal value") from None
    tag, body = data[:1], data[2:]
    if tag and tag[0] in _STRINGS and data[1:2] and data[1] == len(body) < 128:
        try:
            return _text(name, body.decode(_STRINGS[tag[0]]))
        except UnicodeDecodeError:
            pass
    return "#" + data.hex()


def _compared(name: str, value: str) -> str:
    """A value as the matching rules compare it (RFC 4518): mapped, normalized, case folded, insignificant spaces dropped."""
    if value.isascii() and value.isprintable():
        prepared = value if name in _EXACT else value.lower()
    else:
        fold = str if name in _EXACT else stringprep.map_table_b2
        prepared = unicodedata.normalize("NFKC", "".join(fold(one) for one in map(_mapped, value) if one))
    return " ".join(part for part in prepared.split(" ") if part)


def _mapped(character: str) -> str:
    """A space for every kind of space, nothing for what is invisible, else the character."""
    if character in "\t\n\v\f\r\x85" or unicodedata.category(character) in ("Zs", "Zl", "Zp"):
        return " "
    invisible = stringprep.in_table_b1(character) or unicodedata.category(character) in ("Cc", "Cf") or character == "\ufffc"
    return "" if invisible else character
