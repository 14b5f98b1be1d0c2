"""From directory entries to what an inventory wants: one identity, one notion of enabled, text."""

from __future__ import annotations

import re
import uuid

from ldap3.utils.dn import parse_dn

Raw = dict[str, list[bytes]]

IDENTITY = ["entryUUID", "objectGUID", "nsUniqueId"]
USER = [
    "uid", "sAMAccountName", "userPrincipalName", "cn", "displayName", "givenName", "sn", "mail", "title", "department", "employeeNumber",
    "employeeType", "telephoneNumber", "manager", "description", "objectClass", "whenCreated", "createTimestamp",
    "userAccountControl", "lockoutTime", "accountExpires", "pwdLastSet", "nsAccountLock", "pwdAccountLockedTime", "adminCount",
]  # fmt: skip
GROUP = ["cn", "sAMAccountName", "displayName", "description", "mail", "gidNumber", "groupType", "objectClass", "adminCount"]
MEMBERS = ["member", "uniqueMember", "memberUid", "objectSid"]
UNIT = ["ou", "description", "objectClass"]

_DISABLED, _LOCKED = 0x2, 0x10
_NEVER = {"0", "9223372036854775807"}


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


def state(raw: Raw) -> dict[str, bool]:
    """``enabled`` and ``locked``, whatever the directory calls them."""
    control = int(_first(raw, "userAccountControl") or 0)
    disabled = bool(control & _DISABLED) or _first(raw, "nsAccountLock").lower() == "true"
    locked = bool(control & _LOCKED) or _first(raw, "lockoutTime") not in ("", "0") or bool(raw.get("pwdAccountLockedTime"))
    return {"enabled": not disabled, "locked": locked}


def expires(raw: Raw) -> str:
    """AD's accountExpires, when the account ever does."""
    value = _first(raw, "accountExpires")
    return "" if value in _NEVER else value


def rid(sid: bytes) -> str:
    """The last part of a binary SID: what primaryGroupID names."""
    return str(int.from_bytes(sid[-4:], "little")) if len(sid) >= 12 else ""


def _first(raw: Raw, name: str) -> str:
    values = raw.get(name)
    return text(values[0]) if values else ""
