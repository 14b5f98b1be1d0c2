"""The errors that a directory's refusals mean: results of binds and searches, and ldap3's own exceptions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ldap3.core import exceptions as errors

from providers.errors import (
    BadAnswer,
    ConfigError,
    CredentialsError,
    Denied,
    PageExpired,
    PageTooLarge,
    ProviderError,
    ScopeError,
    Throttled,
    TimedOut,
)
from providers.ldap.config import LdapConfig

PASSWORD_POLICY = "1.3.6.1.4.1.42.2.27.8.5.1"  # noqa: S105 - the number of a control
"""The control of draft-behera-ldap-password-policy, which says why a bind was refused, or what it is good for."""

PASSWORD_EXPIRED = "2.16.840.1.113730.3.4.4"  # noqa: S105 - the number of a control
"""The control of 389 Directory Server with a bind that it accepts for a change of the password only."""


class NoEncryption(CredentialsError):
    """The directory does not offer StartTLS."""


class NotVerified(CredentialsError):
    """The directory's certificate cannot be verified."""


class NoSuchEntry(ConfigError):
    """There is no entry of that name, or it may not be seen."""


class NotPaged(ScopeError):
    """The directory does not page searches."""


class Refused(CredentialsError):
    """The directory refuses a search for a reason that seems to lie with the account or the connection, and not with what is searched."""

    def __init__(self, message: str, *, alone: str, detail: str) -> None:
        """`alone` is the sentence for a search that is refused though the account reads the base entry."""
        super().__init__(message, detail=detail)
        self.alone = alone


class Unwilling(Refused):
    """The directory is not willing to search, which may have any reason."""


class SignedOut(TimedOut):
    """The directory no longer knew who asks on a connection, and does on the next one."""


_EXPIRED = "its password has expired: set a new one in the directory and in LDAP_BIND_PASSWORD"
_RESET = "its password must be changed at the next sign-in: set a new one in the directory and in LDAP_BIND_PASSWORD"
_LOCKED = "the account is locked after too many wrong passwords: unlock it in the directory"

_DISABLED = "the account is disabled: enable it, or name another one in LDAP_BIND_DN"
_NOBODY = "the directory answers nobody who has not signed in: set LDAP_BIND_DN and its password"

_CHANGE_AFTER_RESET = 2
_POLICY = {0: _EXPIRED, 1: _LOCKED, _CHANGE_AFTER_RESET: _RESET}

_WORDS = {"account inactivated": _DISABLED, "exceed password retry limit": _LOCKED}
"""How 389 Directory Server words it, with unwillingToPerform and constraintViolation."""

_ACTIVE_DIRECTORY = {
    "525": "there is no such account: check LDAP_BIND_DN",
    "52e": "the password is wrong, or there is no such account: check LDAP_BIND_DN and its password",
    "530": "the account may not sign in at this time of day",
    "531": "the account may not sign in from this machine",
    "532": _EXPIRED,
    "533": _DISABLED,
    "701": "the account has expired: extend it, or name another one in LDAP_BIND_DN",
    "773": _RESET,
    "775": _LOCKED,
}
_DATA = re.compile(r"AcceptSecurityContext error, data ([0-9a-f]+)", re.IGNORECASE)


_SIGN_IN_FIRST = re.compile("successful bind must be completed|authentication required|without authentication", re.IGNORECASE)
"""How Active Directory, OpenLDAP and Samba word that nobody has signed in, with whatever code."""


def refused(result: dict[str, Any], config: LdapConfig, *, encrypted: bool = False) -> ProviderError:
    """The reason why a bind did not succeed. `encrypted` says that the connection was."""
    detail = _detail(result)
    match result["result"]:
        case 8 | 13 if _wants_encryption(result, encrypted=encrypted):
            return CredentialsError(
                "the directory does not take a password over an unencrypted connection: set LDAP_START_TLS=true or LDAP_USE_SSL=true",
                detail=detail,
            )
        case 8 | 13:
            advice = "allow a simple bind over LDAPS or StartTLS there"
        case 51 | 52 | 80:
            return _busy(result)
        case 53:
            advice = "lift what restricts it there"
        case _:
            advice = "check LDAP_BIND_DN and its password"
    reason = _account(result) or f"{result['description']}: {advice}{_said(result)}"
    return CredentialsError(f"the directory does not let '{config.bind_dn or 'anonymous'}' in: {reason}", detail=detail)


def restricted(result: dict[str, Any], config: LdapConfig) -> CredentialsError | None:
    """The error for a bind that has succeeded and lets the account do no more than change its password; None for any other."""
    controls = result.get("controls") or {}
    if PASSWORD_EXPIRED not in controls and _policy(controls) != _CHANGE_AFTER_RESET:
        return None
    return CredentialsError(f"the directory lets '{config.bind_dn}' in to change its password only: {_RESET}", detail=_detail(result))


def check(
    result: dict[str, Any], base: str, *, anonymous: bool, found: int, control: tuple[int, bytes] | None, encrypted: bool = False
) -> None:
    """Raises unless a search has succeeded to its end: half of an answer is not an answer.

    `found` is the number of entries that came, `control` the page size and the cookie of a paged search.
    """
    detail, code, said = _detail(result), result["result"], _said(result)
    if control and not found:
        _check_paging(code, detail, cookie=control[1])
    _check_account(result, base, anonymous=anonymous, encrypted=encrypted)
    match code:
        case 0:
            return
        case 3 | 4 | 11:
            limit = {3: "time", 4: "size", 11: "administrative"}[code]
            pages = "" if control else ", and does not page searches for this account"
            raise ScopeError(
                f"the directory cut the answer short ({limit} limit exceeded){pages}: raise that limit for the bind DN{said}", detail=detail
            )
        case 10:
            raise ConfigError(f"the directory does not hold '{base}', and refers to another: check LDAP_BASE_DN", detail=detail)
        case 32:
            raise NoSuchEntry(f"there is no '{base}' in the directory, or it may not be seen: check LDAP_BASE_DN", detail=detail)
        case 34:
            raise ConfigError(f"'{base}' is not the name of an entry: check LDAP_BASE_DN", detail=detail)
        case 50:
            raise Denied(
                f"the directory refuses to search '{base}': the bind DN needs the right to read there{said}",
                permission="read",
                detail=detail,
            )
        case 51 | 52 | 80 | 85:
            raise _busy(result)
        case _:
            raise ScopeError(f"the directory answered {result['description']} to a search of '{base}'{said}", detail=detail)


def _check_account(result: dict[str, Any], base: str, *, anonymous: bool, encrypted: bool) -> None:
    """Raises `Refused` for the codes that are about who asks, and how, by RFC 4511 or by the words that come with them."""
    code, message, said = result["result"], str(result["message"] or ""), _said(result)
    answered, error = f"the directory answered {result['description']} to a search of '{base}'", Refused
    if anonymous and (code in (1, 8, 48) or (code == 53 and _SIGN_IN_FIRST.search(message))):
        sentence = _NOBODY
    elif code in (8, 13) and _wants_encryption(result, encrypted=encrypted):
        sentence = f"the directory does not answer over an unencrypted connection: set LDAP_START_TLS=true or LDAP_USE_SSL=true{said}"
    elif code in (8, 13):
        sentence = f"{answered}: allow a simple bind over LDAPS or StartTLS there{said}"
    elif code in (48, 49) or (code == 1 and _SIGN_IN_FIRST.search(message)):
        sentence = f"{answered}: {_account(result) or f'check the account in LDAP_BIND_DN{said}'}"
    elif code == 53:
        error, sentence = Unwilling, f"{answered}: {_account(result) or f'lift what restricts the account there{said}'}"
    else:
        return
    raise error(sentence, alone=f"{answered}, though it reads its base entry for the same account{said}", detail=_detail(result))


def _wants_encryption(result: dict[str, Any], *, encrypted: bool) -> bool:
    """True unless the connection is encrypted already, or OpenLDAP asks for a bind by SASL ("SASL authentication required")."""
    return not encrypted and not str(result["message"] or "").startswith("SASL")


def _check_paging(code: int, detail: str, *, cookie: bytes) -> None:
    """Raises when the page was refused, and not the search: its size, its cookie, or paging altogether."""
    if cookie and code in (2, 12, 53):  # what a cookie gets that has expired, or was given on another connection
        raise PageExpired("the directory has forgotten the search between two pages, and did so after each new beginning", detail=detail)
    if code in (12, 53) and not cookie:  # unavailableCriticalExtension, unwillingToPerform
        raise NotPaged("the directory does not page searches", detail=detail)
    if code == 11 and not cookie:  # how OpenLDAP refuses a page size, or all pages
        raise PageTooLarge("the directory refuses pages of every size, and the whole answer at once too", detail=detail)


def classified(error: Exception, server: str) -> ProviderError:
    """Our error for one of ldap3's, at a server."""
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text or "certificate verify failed" in text or "doesn't match" in text:
        return NotVerified(
            f"the directory's certificate at {server} cannot be verified: name its CA in LDAP_CA_CERT, or correct LDAP_SERVER", detail=text
        )
    match error:
        case errors.LDAPInvalidFilterError():
            return ConfigError("LDAP_USER_FILTER or LDAP_GROUP_FILTER is not an LDAP filter", detail=text)
        case errors.LDAPStartTLSError():
            return NoEncryption(
                f"the directory at {server} does not offer StartTLS, or it failed: check LDAP_START_TLS and LDAP_PORT", detail=text
            )
        case errors.LDAPInvalidDnError():
            return ConfigError("LDAP_BASE_DN is not the name of an entry", detail=text)
        case errors.LDAPInvalidValueError() | errors.LDAPUnknownResponseError():
            return BadAnswer("the directory's answer makes no sense", detail=text)
        case _:
            return TimedOut(f"no answer from the directory at {server}, or the connection was cut ({type(error).__name__})", detail=text)


def _busy(result: dict[str, Any]) -> ScopeError:
    """The error for a directory that asks to slow down (`busy`), or that cannot answer at all."""
    if result["result"] == 51:
        return Throttled(f"the directory says that it is busy{_said(result)}", detail=_detail(result))
    return TimedOut(f"the directory is going down or cannot answer ({result['description']}){_said(result)}", detail=_detail(result))


def _account(result: dict[str, Any]) -> str:
    """The sentence on what is wrong with the account itself, when the directory says so."""
    message, controls = str(result["message"] or ""), result.get("controls") or {}
    if found := _DATA.search(message):
        return _ACTIVE_DIRECTORY.get(found[1].lower(), "")
    if words := next((sentence for words, sentence in _WORDS.items() if words in message.lower()), ""):
        return f"{words}{_said(result)}"
    return _POLICY.get(_policy(controls), _RESET if PASSWORD_EXPIRED in controls else "")


def _policy(controls: Mapping[str, Any]) -> int:
    """The `error` of a PasswordPolicyResponseValue, a sequence of a warning [0] and an error [1], both optional; -1 without one."""
    value = (controls.get(PASSWORD_POLICY) or {}).get("value") or b""
    _, inner, _ = _element(value)
    while inner:
        tag, content, inner = _element(inner)
        if tag == 0x81:
            return int.from_bytes(content)
    return -1


def _element(encoded: bytes) -> tuple[int, bytes, bytes]:
    """Tag and content of the first element in BER, and what follows it. 389 Directory Server writes each length in five bytes."""
    if len(encoded) < 2:
        return 0, b"", b""
    start, size = 2, encoded[1]
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(encoded[2:start])
    return encoded[0], encoded[start : start + size], encoded[start + size :]


SAID = 300
"""Characters of the directory's own words in a sentence."""


def _said(result: dict[str, Any]) -> str:
    """The directory's own words, for the end of a sentence; empty where it gives none."""
    words = " ".join(str(result["message"] or "").replace("\0", " ").split())[:SAID]
    return f" (it says: {words})" if words else ""


def _detail(result: dict[str, Any]) -> str:
    return f"{result['description']}: {result['message']}"
