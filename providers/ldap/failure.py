"""The errors that a directory's refusals mean: results of binds and searches, and ldap3's own exceptions."""

from __future__ import annotations

import re
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
"""The control of draft-behera-ldap-password-policy, which says why a bind was refused."""


class NoEncryption(CredentialsError):
    """The directory does not offer StartTLS."""


class NotVerified(CredentialsError):
    """The directory's certificate cannot be verified."""


class NoSuchEntry(ConfigError):
    """There is no entry of that name, or it may not be seen."""


class NotPaged(ScopeError):
    """The directory does not page searches."""


_EXPIRED = "its password has expired: set a new one in the directory and in LDAP_BIND_PASSWORD"
_RESET = "its password must be changed at the next sign-in: set a new one in the directory and in LDAP_BIND_PASSWORD"
_LOCKED = "the account is locked after too many wrong passwords: unlock it in the directory"

_POLICY = {0: _EXPIRED, 1: _LOCKED, 2: _RESET}

_ACTIVE_DIRECTORY = {
    "525": "there is no such account: check LDAP_BIND_DN",
    "52e": "the password is wrong, or there is no such account: check LDAP_BIND_DN and its password",
    "530": "the account may not sign in at this time of day",
    "531": "the account may not sign in from this machine",
    "532": _EXPIRED,
    "533": "the account is disabled: enable it, or name another one in LDAP_BIND_DN",
    "701": "the account has expired: extend it, or name another one in LDAP_BIND_DN",
    "773": _RESET,
    "775": _LOCKED,
}
_DATA = re.compile(r"AcceptSecurityContext error, data ([0-9a-f]+)", re.IGNORECASE)


def refused(result: dict[str, Any], config: LdapConfig) -> ProviderError:
    """The reason why a bind did not succeed."""
    detail = _detail(result)
    match result["result"]:
        case 8 | 13:  # strongerAuthRequired, confidentialityRequired
            return CredentialsError(
                "the directory does not take a password over an unencrypted connection: set LDAP_START_TLS=true or LDAP_USE_SSL=true",
                detail=detail,
            )
        case 51 | 52 | 80:
            return _busy(result)
    reason = _account(result) or f"{result['description']}: check LDAP_BIND_DN and its password{_said(result)}"
    return CredentialsError(f"the directory does not let '{config.bind_dn or 'anonymous'}' in: {reason}", detail=detail)


def check(result: dict[str, Any], base: str, *, anonymous: bool, found: int, control: tuple[int, bytes] | None) -> None:
    """Raises unless a search has succeeded to its end: half of an answer is not an answer.

    `found` is the number of entries that came, `control` the page size and the cookie of a paged search.
    """
    detail, code, said = _detail(result), result["result"], _said(result)
    if control and not found:
        _check_paging(code, detail, cookie=control[1])
    match code:
        case 0:
            return
        case 1 if anonymous:  # how Active Directory words it
            raise CredentialsError("the directory answers nobody who has not signed in: set LDAP_BIND_DN and its password", detail=detail)
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
    found = _DATA.search(result["message"] or "")
    if found:
        return _ACTIVE_DIRECTORY.get(found[1].lower(), "")
    control = (result.get("controls") or {}).get(PASSWORD_POLICY)
    return _POLICY.get(_policy_error(control["value"] or b""), "") if control else ""


def _policy_error(value: bytes) -> int:
    """The `error` of a PasswordPolicyResponseValue, a sequence of a warning [0] and an error [1], both optional; -1 without one."""
    inner = value[2:]
    if inner[:1] == b"\xa0":
        inner = inner[2 + int.from_bytes(inner[1:2]) :]
    return inner[2] if inner[:2] == b"\x81\x01" and len(inner) > 2 else -1


SAID = 300
"""Characters of the directory's own words in a sentence."""


def _said(result: dict[str, Any]) -> str:
    """The directory's own words, for the end of a sentence; empty where it gives none."""
    words = " ".join(str(result["message"] or "").replace("\0", " ").split())[:SAID]
    return f" (it says: {words})" if words else ""


def _detail(result: dict[str, Any]) -> str:
    return f"{result['description']}: {result['message']}"
