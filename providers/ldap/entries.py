"""Entries as they come over the wire, made into items: one id, text values, and the state of the account."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from providers.errors import DataError
from providers.records import UNREADABLE

Raw = dict[str, list[bytes]]
"""Attribute -> values as they came."""

IDENTITY = ("entryUUID", "objectGUID", "nsUniqueId")
"""Attributes that hold an entry's own id, one of which every directory has."""

COMPUTED = "msDS-User-Account-Control-Computed"
STATE = ("userAccountControl", COMPUTED, "lockoutTime", "accountExpires", "pwdLastSet", "nsAccountLock", "pwdAccountLockedTime")
"""Attributes that are read for the state that they mean; as values they change with every sign-in."""

MAX_VALUE = 64 * 1024
"""Bytes of one attribute. A larger one is named as unreadable, and the entry is read without it."""

_LITTLE_ENDIAN, _BIG_ENDIAN = "objectguid", "guid"
"""Ids of 16 bytes: Active Directory's, and that of eDirectory."""

_ANY_CASE = frozenset(name.lower() for name in IDENTITY)

_DISABLED, _LOCKED, _PASSWORD_EXPIRED = 0x2, 0x10, 0x800000
_NEVER = {"", "0", "9223372036854775807"}
_WINDOWS_EPOCH = dt.datetime(1601, 1, 1, tzinfo=dt.UTC)


def identity(raw: Raw, id_attribute: str | None = None) -> str:
    """The entry's own id, never its DN, which changes with every move. `id_attribute` is the operator's choice (LDAP_ID_ATTRIBUTE), if any.

    Raises `DataError` when the entry shows none.
    """
    names = tuple(name for name in raw if name.lower() == id_attribute.lower()) or (id_attribute,) if id_attribute else IDENTITY
    for name in names:
        if values := raw.get(name):
            return _id_text(name.lower(), min(values))
    raise DataError(f"it shows no {' or '.join(names)}: the bind DN needs the right to read one, or LDAP_ID_ATTRIBUTE names another")


def _id_text(name: str, value: bytes) -> str:
    if name in (_LITTLE_ENDIAN, _BIG_ENDIAN) and len(value) == 16:
        return str(uuid.UUID(bytes_le=value) if name == _LITTLE_ENDIAN else uuid.UUID(bytes=value))
    found = text(value).strip()
    return found.lower() if name in _ANY_CASE else found


def text(value: bytes) -> str:
    """A value as UTF-8 without NUL, which PostgreSQL does not take; as hexadecimal digits where it is not UTF-8."""
    try:
        return value.decode().replace("\0", "")
    except UnicodeDecodeError:
        return value.hex()


def item(raw: Raw, dn: str, names: tuple[str, ...]) -> dict[str, Any]:
    """The attributes in `names` that the entry has, and its DN: one value as text, several as a list.

    Attributes that are too large, or whose values did not all come, are left out and named in `Unreadable`.
    """
    found: dict[str, Any] = {"dn": dn}
    cut = raw.get(UNREADABLE, ())
    for name in names:
        values = raw.get(name)
        if not values:
            continue
        if name.encode() in cut or sum(map(len, values)) > MAX_VALUE:
            found.setdefault(UNREADABLE, []).append(name)
        else:
            found[name] = text(values[0]) if len(values) == 1 else [text(value) for value in values]
    return found


def state(raw: Raw) -> dict[str, object]:
    """``enabled`` and ``locked``, whatever the directory calls them; Active Directory's ``passwordExpired`` and ``accountExpires`` too.

    Active Directory keeps lockout and expiry of passwords out of userAccountControl, and computes them when asked to; its lockoutTime
    stays after the lock has ended.
    """
    control, computed = _number(raw, "userAccountControl"), _number(raw, COMPUTED)
    disabled = bool(control & _DISABLED) or first(raw, "nsAccountLock").lower() == "true"
    since = first(raw, "lockoutTime") not in ("", "0") and COMPUTED not in raw
    locked = bool((control | computed) & _LOCKED) or since or bool(raw.get("pwdAccountLockedTime"))
    found: dict[str, object] = {"enabled": not disabled, "locked": locked}
    if COMPUTED in raw or "pwdLastSet" in raw:
        found["passwordExpired"] = bool(computed & _PASSWORD_EXPIRED) or first(raw, "pwdLastSet") == "0"
    if first(raw, "accountExpires") not in _NEVER:
        found["accountExpires"] = _moment(_number(raw, "accountExpires"))
    return found


def primary_group(raw: Raw) -> bytes:
    """The SID of an account's primary group, which no `member` names: the account's own domain, and the group's number in it."""
    if not raw.get("primaryGroupID") or not raw.get("objectSid"):
        return b""
    return raw["objectSid"][0][:-4] + (_number(raw, "primaryGroupID") % 2**32).to_bytes(4, "little")


def first(raw: Raw, name: str) -> str:
    """The first value of an attribute as text; empty without one."""
    values = raw.get(name)
    return text(values[0]) if values else ""


def _moment(ticks: int) -> str:
    """A time in tenths of microseconds since 1601, as ISO 8601."""
    try:
        return (_WINDOWS_EPOCH + dt.timedelta(microseconds=ticks // 10)).isoformat()
    except OverflowError:  # after the year 9999
        return str(ticks)


def _number(raw: Raw, name: str) -> int:
    value = first(raw, name)
    return int(value) if value.lstrip("-").isdecimal() else 0
