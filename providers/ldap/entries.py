"""From directory entries to what an inventory wants: one identity, one notion of enabled, text."""

from __future__ import annotations

import datetime as dt
import re
import uuid

from ldap3.utils.dn import parse_dn

Raw = dict[str, list[bytes]]

IDENTITY = ["entryUUID", "objectGUID", "nsUniqueId"]
USER = [
    "uid", "sAMAccountName", "userPrincipalName", "cn", "displayName", "givenName", "sn", "mail", "title", "department", "employeeNumber",
    "employeeType", "telephoneNumber", "manager", "description", "objectClass", "whenCreated", "createTimestamp", "adminCount",
]  # fmt: skip
COMPUTED = "msDS-User-Account-Control-Computed"
STATE = ["userAccountControl", COMPUTED, "lockoutTime", "accountExpires", "pwdLastSet", "nsAccountLock", "pwdAccountLockedTime"]
"""Read for the state they mean; as values they change with every sign-in."""
PRIMARY_GROUP = ["primaryGroupID", "objectSid"]
GROUP = ["cn", "sAMAccountName", "displayName", "description", "mail", "gidNumber", "groupType", "objectClass", "adminCount"]
MEMBERS = ["member", "uniqueMember", "memberUid", "objectSid"]
UNIT = ["ou", "description", "objectClass"]

_DISABLED, _LOCKED, _PASSWORD_EXPIRED = 0x2, 0x10, 0x800000
_NEVER = {"", "0", "9223372036854775807"}
_WINDOWS_EPOCH = dt.datetime(1601, 1, 1, tzinfo=dt.UTC)


def identity(raw: Raw) -> str:
    """The entry's own id; empty when the directory gives none. Never the DN: that changes with every move."""
    if raw.get("objectGUID"):
        return str(uuid.UUID(bytes_le=raw["objectGUID"][0]))
    for name in ("entryUUID", "nsUniqueId"):
        if raw.get(name):
            return text(raw[name][0]).lower()
    return ""


def normal(dn: str) -> str:
    """A DN as it can be compared: case and spaces do not count, nor does the way in which a character is escaped."""
    if "\\" not in dn and '"' not in dn and "+" not in dn:
        return ",".join("=".join(part.strip() for part in rdn.split("=", 1)) for rdn in dn.lower().split(","))
    return ",".join(f"{name.strip()}={_escaped(_plain(value.strip()))}" for name, value, _ in parse_dn(dn.lower()))


def above(dn: str) -> str:
    """The DN of the entry that contains this one (both normal); empty at the top."""
    return re.sub(r"^(?:\\.|[^,\\])*,?", "", dn, count=1)


def _plain(value: str) -> str:
    r"""Without escapes: ``\\2c`` and ``\\,`` are both a comma."""
    pieces = re.sub(r"(?:\\[0-9a-f]{2})+", lambda match: bytes.fromhex(match[0].replace("\\", "")).decode(errors="replace"), value)
    return re.sub(r"\\(.)", r"\1", pieces)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(",", "\\,")


def text(value: bytes) -> str:
    """UTF-8, or hexadecimal for what is none."""
    try:
        return value.decode().replace("\0", "")
    except UnicodeDecodeError:
        return value.hex()


def attributes(raw: Raw, names: list[str]) -> dict[str, object]:
    """What there is of `names`: one value as text, several as a sorted list; what is absent stays absent."""
    found: dict[str, object] = {}
    for name in names:
        values = sorted(text(value) for value in raw.get(name) or ())
        if values:
            found[name] = values[0] if len(values) == 1 else values
    return found


def state(raw: Raw) -> dict[str, object]:
    """``enabled`` and ``locked``, whatever the directory calls them; Active Directory's ``passwordExpired`` and ``accountExpires`` too.

    Active Directory keeps lockout and expiry of passwords out of userAccountControl, and computes them when asked to; its lockoutTime
    stays after the lock has ended.
    """
    control, computed = _number(raw, "userAccountControl"), _number(raw, COMPUTED)
    disabled = bool(control & _DISABLED) or _first(raw, "nsAccountLock").lower() == "true"
    since = _first(raw, "lockoutTime") not in ("", "0") and COMPUTED not in raw
    locked = bool((control | computed) & _LOCKED) or since or bool(raw.get("pwdAccountLockedTime"))
    found: dict[str, object] = {"enabled": not disabled, "locked": locked}
    if COMPUTED in raw or "pwdLastSet" in raw:
        found["passwordExpired"] = bool(computed & _PASSWORD_EXPIRED) or _first(raw, "pwdLastSet") == "0"
    if _first(raw, "accountExpires") not in _NEVER:
        found["accountExpires"] = _moment(_number(raw, "accountExpires"))
    return found


def primary_group(raw: Raw) -> bytes:
    """The SID of the group that no `member` names: the account's own domain, and the group's number in it."""
    if not raw.get("primaryGroupID") or not raw.get("objectSid"):
        return b""
    return raw["objectSid"][0][:-4] + (_number(raw, "primaryGroupID") % 2**32).to_bytes(4, "little")


def _moment(ticks: int) -> str:
    """Tenths of microseconds since 1601, as ISO 8601."""
    try:
        return (_WINDOWS_EPOCH + dt.timedelta(microseconds=ticks // 10)).isoformat()
    except OverflowError:  # after the year 9999
        return str(ticks)


def _number(raw: Raw, name: str) -> int:
    value = _first(raw, name)
    return int(value) if value.lstrip("-").isdecimal() else 0


def _first(raw: Raw, name: str) -> str:
    values = raw.get(name)
    return text(values[0]) if values else ""
